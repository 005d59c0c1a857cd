// EPIPE and SIGPIPE on a pipe without readers; end of file on one without writers.
#include "check.h"

static volatile int seen;
static void handler(int signal) { seen = signal; }

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  handle(SIGPIPE, handler, 0);
  close(fds[0]);
  check_fails(write(fds[1], "x", 1), EPIPE);
  check(seen == SIGPIPE);
  signal(SIGPIPE, SIG_DFL);
  pid_t child = fork();
  if (child == 0) {
    if (write(fds[1], "x", 1) == 1) _exit(1);
    _exit(2);
  }
  expect_killed(child, SIGPIPE);
  check(pipe(fds) == 0);
  close(fds[1]);
  char byte;
  check(read(fds[0], &byte, 1) == 0);
  return succeed();
}
