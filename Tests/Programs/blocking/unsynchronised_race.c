// A data race on purpose: the sum differs from run to run, but a replay must give the recorded one.
// checksum: 50
#include "check.h"

static volatile long sum;

static void *racer(void *argument) {
  for (int i = 0; i < 300; i++) {
    long value = sum;
    if ((i & 7) == 0) sched_yield();
    if ((i & 31) == 0) sleep_milliseconds(0);
    sum = value + 1;
  }
  return argument;
}

int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) start_thread(&threads[i], racer, NULL);
  for (int i = 0; i < 4; i++) join_thread(threads[i]);
  check(sum > 0 && sum <= 1200);
  say("sum %ld", sum);
  return succeed();
}
