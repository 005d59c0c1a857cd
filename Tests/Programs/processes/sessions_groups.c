// setsid(2), setpgid(2), getsid(2), getpgid(2) and signals to a group.
#include "check.h"

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  pid_t leader = fork();
  if (leader == 0) {
    check(setsid() == getpid());
    check(getsid(0) == getpid() && getpgrp() == getpid());
    pid_t members[3];
    for (int i = 0; i < 3; i++) {
      members[i] = fork();
      if (members[i] == 0) {
        check(getpgid(0) == getppid() && getsid(0) == getppid());
        check(write(fds[1], "r", 1) == 1);
        for (;;) pause();
      }
    }
    char byte;
    for (int i = 0; i < 3; i++) check(read(fds[0], &byte, 1) == 1);
    check(setpgid(members[0], 0) == 0);
    check(getpgid(members[0]) == members[0]);
    check_fails(setpgid(0, 0), EPERM);
    signal(SIGTERM, SIG_IGN);
    check(kill(0, SIGTERM) == 0);
    expect_killed(members[1], SIGTERM);
    expect_killed(members[2], SIGTERM);
    check(kill(-members[0], SIGINT) == 0);
    expect_killed(members[0], SIGINT);
    say("session %d groups %d %d", getsid(0), getpgrp(), members[0]);
    _exit(0);
  }
  expect_exit(leader, 0);
  return succeed();
}
