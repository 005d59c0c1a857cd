// clone3(2) as fork, with a pidfd, and its errors. A recorder may refuse clone3 with ENOSYS, which glibc allows for.
#include "check.h"
#include <linux/sched.h>
#include <poll.h>

int main(void) {
  int pidfd = -1;
  pid_t set = 0;
  struct clone_args arguments = {
    .flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&pidfd, .parent_tid = (uintptr_t)&set,
    .exit_signal = SIGCHLD};
  pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == -1 && errno == ENOSYS) {
    say("clone3 refused");
    return succeed();
  }
  check(child >= 0);
  if (child == 0) _exit(9);
  check(set == child);
  struct pollfd entry = {pidfd, POLLIN, 0};
  check(poll(&entry, 1, -1) == 1);
  siginfo_t info = {0};
  check(waitid(P_PIDFD, pidfd, &info, WEXITED) == 0);
  check(info.si_pid == child && info.si_status == 9 && info.si_code == CLD_EXITED);
  check_fails(syscall(SYS_clone3, &arguments, 8), EINVAL);
  say("child %d pidfd %d", child, pidfd);
  return succeed();
}
