// Ignored signals interrupt nothing; signals ignored by default neither; SIGCONT without a stop.
#include "check.h"

int main(void) {
  signal(SIGUSR1, SIG_IGN);
  int fds[2];
  check(pipe(fds) == 0);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    int signals[] = {SIGUSR1, SIGURG, SIGWINCH, SIGCONT, SIGCHLD};
    for (int i = 0; i < 5; i++) {
      sleep_milliseconds(1);
      check(kill(parent, signals[i]) == 0);
    }
    check(write(fds[1], "x", 1) == 1);
    _exit(0);
  }
  char byte;
  check(read(fds[0], &byte, 1) == 1);
  expect_exit(child, 0);
  check(kill(getpid(), 0) == 0 && kill(0, 0) == 0);
  return succeed();
}
