// pidfd_open(2), pidfd_send_signal(2), poll(2) for the end of a process, and pidfd_getfd(2).
#include "check.h"
#include <poll.h>

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  check(pidfd >= 0);
  struct pollfd entry = {pidfd, POLLIN, 0};
  check(poll(&entry, 1, 0) == 0);
  check(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0);
  check(poll(&entry, 1, -1) == 1 && entry.revents & POLLIN);
  expect_killed(child, SIGTERM);
  check_fails(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
  check_fails(syscall(SYS_pidfd_open, child, 12345), EINVAL);
  say("pidfd %d of %d", pidfd, child);
  return succeed();
}
