// clone(2) with CLONE_PARENT: the new process is the caller's sibling.
#include "check.h"

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    pid_t sibling = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
    check(sibling >= 0);
    if (sibling == 0) {
      pid_t parent = getppid();
      check(write(fds[1], &parent, sizeof parent) == sizeof parent);
      _exit(21);
    }
    check(write(fds[1], &sibling, sizeof sibling) == sizeof sibling);
    _exit(20);
  }
  pid_t values[2];
  check(read(fds[0], &values[0], 4) == 4);
  check(read(fds[0], &values[1], 4) == 4);
  pid_t sibling = values[0] == getpid() ? values[1] : values[0];
  expect_exit(child, 20);
  expect_exit(sibling, 21);
  say("child %d sibling %d", child, sibling);
  return succeed();
}
