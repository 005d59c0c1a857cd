// prctl(2) PR_SET_PDEATHSIG: a child is told when its parent ends.
#include "check.h"
#include <sys/prctl.h>

int main(void) {
  check(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
  int fds[2];
  check(pipe(fds) == 0);
  pid_t parent = fork();
  if (parent == 0) {
    pid_t child = fork();
    if (child == 0) {
      check(prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0);
      check(write(fds[1], "r", 1) == 1);
      for (;;) pause();
    }
    char byte;
    check(read(fds[0], &byte, 1) == 1);
    check(write(fds[1], &child, sizeof child) == sizeof child);
    _exit(0);
  }
  expect_exit(parent, 0);
  pid_t child;
  check(read(fds[0], &child, sizeof child) == sizeof child);
  expect_killed(child, SIGTERM);
  say("%d followed %d", child, parent);
  return succeed();
}
