// One of several busy threads dereferences a null pointer; the process dumps core where it may.
#include "check.h"
#include <sys/resource.h>

static void *work(void *argument) {
  int *pointer = argument;
  for (int i = 0; i < 50; i++) sleep_milliseconds(1);
  say("thread %d reads %p", thread_id(), (void *)pointer);
  return (void *)(intptr_t)*(volatile int *)pointer;
}

int main(void) {
  struct rlimit none = {0, 0};
  check(setrlimit(RLIMIT_CORE, &none) == 0);
  int value = 5;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) start_thread(&threads[i], work, i == 2 ? NULL : &value);
  for (int i = 0; i < 4; i++) join_thread(threads[i]);
}
