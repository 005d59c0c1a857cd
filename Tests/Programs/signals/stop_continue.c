// SIGSTOP and SIGCONT between processes, seen by waitpid(2) with WUNTRACED and WCONTINUED, and by waitid(2).
#include "check.h"

int main(void) {
  int fds[2], go[2];
  check(pipe(fds) == 0 && pipe(go) == 0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0;; i++) {
      check(write(fds[1], &i, sizeof i) == sizeof i);
      raise(SIGSTOP);
      // A new stop would wipe out that the child continued: not before the parent has seen that.
      char byte;
      check(read(go[0], &byte, 1) == 1);
    }
  }
  for (int i = 0; i < 5; i++) {
    int status, value;
    check(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check(read(fds[0], &value, sizeof value) == sizeof value && value == i);
    check(kill(child, SIGCONT) == 0);
    check(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    check(write(go[1], "g", 1) == 1);
  }
  siginfo_t info;
  check(waitid(P_PID, child, &info, WSTOPPED) == 0 && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
  check(kill(child, SIGKILL) == 0);
  expect_killed(child, SIGKILL);
  say("child %d", child);
  return succeed();
}
