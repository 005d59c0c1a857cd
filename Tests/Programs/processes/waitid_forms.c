// waitid(2): WNOHANG, WNOWAIT, by pid, by group, by pidfd, and what it fills in.
#include "check.h"

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    check(read(fds[0], &byte, 1) == 1);
    _exit(77);
  }
  siginfo_t info;
  memset(&info, 0xff, sizeof info);
  check(waitid(P_PID, child, &info, WEXITED | WNOHANG) == 0);
  check(info.si_pid == 0);
  check(write(fds[1], "x", 1) == 1);
  check(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
  check(info.si_pid == child && info.si_status == 77 && info.si_code == CLD_EXITED && info.si_signo == SIGCHLD);
  check(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 && info.si_pid == child);
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  check(pidfd >= 0);
  memset(&info, 0, sizeof info);
  check(waitid(P_PIDFD, pidfd, &info, WEXITED) == 0 && info.si_pid == child);
  check_fails(waitid(P_PID, child, &info, WEXITED), ECHILD);

  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    raise(SIGKILL);
  }
  setpgid(child, child);
  check(waitid(P_PGID, child, &info, WEXITED) == 0);
  check(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
  say("pid %d uid %d", info.si_pid, info.si_uid);
  return succeed();
}
