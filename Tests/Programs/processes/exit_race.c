// Threads end at the same time as the process does: whichever is first, the exit code is main's.
#include "check.h"

static void *body(void *argument) {
  for (int i = 0; i < (int)(intptr_t)argument; i++) sched_yield();
  return NULL;
}

int main(void) {
  for (int round = 0; round < 10; round++) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      for (intptr_t i = 0; i < 6; i++) start_thread(&thread, body, (void *)(i * round));
      for (int i = 0; i < round; i++) sched_yield();
      _exit(round);
    }
    expect_exit(child, round);
  }
  return succeed();
}
