// fork(2): each side sees its own memory, and the parent collects the child's exit code.
#include "check.h"

int shared_before = 1;

int main(void) {
  say("parent %d of %d", getpid(), getppid());
  pid_t child = fork();
  check(child >= 0);
  if (child == 0) {
    shared_before = 2;
    say("child %d of %d", getpid(), getppid());
    _exit(7);
  }
  expect_exit(child, 7);
  check(shared_before == 1);
  say("child was %d", child);
  return succeed();
}
