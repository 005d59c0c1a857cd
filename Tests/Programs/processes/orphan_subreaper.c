// An orphan goes to the nearest subreaper, which waits for it.
#include "check.h"
#include <sys/prctl.h>

int main(void) {
  check(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      pid_t parent = getppid();
      while (getppid() == parent) sleep_milliseconds(1);
      check(write(fds[1], &parent, sizeof parent) == sizeof parent);
      _exit(31);
    }
    check(write(fds[1], &grandchild, sizeof grandchild) == sizeof grandchild);
    sleep_milliseconds(10);
    _exit(30);
  }
  pid_t grandchild, former;
  check(read(fds[0], &grandchild, 4) == 4);
  expect_exit(child, 30);
  check(read(fds[0], &former, 4) == 4);
  check(former == child || former == getpid());
  expect_exit(grandchild, 31);
  say("adopted %d", grandchild);
  return succeed();
}
