// nanosleep(2), poll(2) and futex waits with a time-out go on after SIGSTOP and SIGCONT, with restart_syscall(2).
#include "check.h"
#include <linux/futex.h>
#include <poll.h>

static void stop_and_go(pid_t child) {
  int status;
  for (int i = 0; i < 2; i++) {
    sleep_milliseconds(4);
    check(kill(child, SIGSTOP) == 0);
    check(waitpid(child, &status, WUNTRACED) == child);
    if (WIFEXITED(status)) {
      check(WEXITSTATUS(status) == 0);
      return;
    }
    check(WIFSTOPPED(status));
    check(kill(child, SIGCONT) == 0);
  }
  expect_exit(child, 0);
}

int main(void) {
  for (int kind = 0; kind < 4; kind++) {
    pid_t child = fork();
    if (child == 0) {
      struct timespec rest = {0, 30000000}, start, end;
      int word = 0;
      clock_gettime(CLOCK_MONOTONIC, &start);
      if (kind == 0) check(nanosleep(&rest, NULL) == 0);
      if (kind == 1) check(poll(NULL, 0, 30) == 0);
      if (kind == 2) check_fails(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &rest, NULL, 0), ETIMEDOUT);
      if (kind == 3) check(clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL) == 0);
      clock_gettime(CLOCK_MONOTONIC, &end);
      long taken = (end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec;
      check(taken >= 30000000);
      say("kind %d took %ld ns", kind, taken);
      _exit(0);
    }
    stop_and_go(child);
  }
  return succeed();
}
