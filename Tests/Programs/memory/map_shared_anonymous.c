// Anonymous shared memory between a parent and several children.
#include "check.h"

int main(void) {
  volatile int *shared = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED);
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      while (shared[0] != i) sched_yield();
      shared[1 + i] = getpid();
      shared[0] = i + 1;
      _exit(0);
    }
  }
  while (shared[0] != 4) sched_yield();
  for (int i = 0; i < 4; i++) {
    check(shared[1 + i] == children[i]);
    expect_exit(children[i], 0);
  }
  say("children %d %d %d %d", shared[1], shared[2], shared[3], shared[4]);
  return succeed();
}
