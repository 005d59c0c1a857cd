// Blocked signals stay pending until they are let in; a handler's own mask; SA_NODEFER and SA_RESETHAND.
#include "check.h"

static volatile int running, deepest, seen;

static void handler(int signal) {
  seen++;
  if (++running > deepest) deepest = running;
  if (seen == 1) raise(signal);
  running--;
}

int main(void) {
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  handle(SIGUSR1, handler, 0);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  raise(SIGUSR1);
  raise(SIGUSR1);
  check(seen == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
  check(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
  check(seen == 2 && deepest == 1);
  seen = deepest = 0;
  handle(SIGUSR1, handler, SA_NODEFER);
  raise(SIGUSR1);
  check(seen == 2 && deepest == 2);
  seen = 1;
  handle(SIGUSR1, handler, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction now;
  check(seen == 2 && sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
  check_fails(sigprocmask(77, &set, NULL), EINVAL);
  check_fails(sigaction(SIGKILL, &now, NULL), EINVAL);
  return succeed();
}
