// Two threads that yield the processor to each other with sched_yield(2): each other step is the other one's.
#include "check.h"

enum { STEPS = 200 };

static char steps[2 * STEPS + 1];
static int count;
static volatile int started;

static void *step(void *name) {
  started++;
  while (started < 2) sched_yield();
  for (int i = 0; i < STEPS; i++) {
    steps[count++] = *(char *)name;
    sched_yield();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[2];
  start_thread(&threads[0], step, "a");
  start_thread(&threads[1], step, "b");
  for (int i = 0; i < 2; i++) join_thread(threads[i]);
  say("%s", steps);
  return succeed();
}
