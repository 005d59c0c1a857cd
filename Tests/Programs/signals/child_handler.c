// SIGCHLD handlers that reap: every child is seen, whatever merges.
#include "check.h"

static volatile int reaped;
static volatile long sum;

static void handler(int signal) {
  (void)signal;
  int saved = errno, status;
  pid_t child;
  while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
    reaped++;
    sum += WEXITSTATUS(status);
  }
  errno = saved;
}

int main(void) {
  handle(SIGCHLD, handler, SA_RESTART | SA_NOCLDSTOP);
  for (int i = 0; i < 25; i++) {
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) _exit(i);
  }
  sigset_t set, open;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  check(sigprocmask(SIG_BLOCK, &set, &open) == 0);
  while (reaped < 25) sigsuspend(&open);
  check(sum == 300);
  return succeed();
}
