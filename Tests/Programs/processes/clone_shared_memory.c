// clone(2) with CLONE_VM but no CLONE_THREAD: another process in the same address space.
#include "check.h"

static volatile int counter;

static int body(void *argument) {
  counter = (int)(intptr_t)argument;
  syscall(SYS_exit, 4);
  return 0;
}

int main(void) {
  char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  check(stack != MAP_FAILED);
  pid_t child = clone(body, stack + 65536, CLONE_VM | SIGCHLD, (void *)42);
  check(child > 0);
  expect_exit(child, 4);
  check(counter == 42);
  say("child %d", child);
  return succeed();
}
