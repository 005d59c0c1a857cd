// nanosleep(2), clock_nanosleep(2) relative and absolute, usleep(3), sleeping threads side by side.
#include "check.h"

static void *sleeper(void *argument) {
  sleep_milliseconds((intptr_t)argument);
  return argument;
}

int main(void) {
  struct timespec start, end, rest = {0, 3000000};
  check(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
  check(nanosleep(&rest, NULL) == 0);
  check(usleep(2000) == 0);
  check(clock_nanosleep(CLOCK_REALTIME, 0, &rest, NULL) == 0);
  check(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
  end.tv_sec++;
  check(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL) == 0);
  rest.tv_nsec = 2000000000;
  check_fails(nanosleep(&rest, NULL), EINVAL);
  pthread_t threads[5];
  for (intptr_t i = 0; i < 5; i++) start_thread(&threads[i], sleeper, (void *)(10 - 2 * i));
  for (int i = 0; i < 5; i++) join_thread(threads[i]);
  say("from %ld.%09ld", start.tv_sec, start.tv_nsec);
  return succeed();
}
