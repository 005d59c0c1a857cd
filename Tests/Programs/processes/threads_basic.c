// Threads start, run and are joined with their results.
#include "check.h"

static void *body(void *argument) {
  intptr_t number = (intptr_t)argument;
  say("thread %ld is %d", (long)number, thread_id());
  return (void *)(number * number);
}

int main(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++) start_thread(&threads[i], body, (void *)i);
  for (intptr_t i = 0; i < 8; i++) check(join_thread(threads[i]) == (void *)(i * i));
  return succeed();
}
