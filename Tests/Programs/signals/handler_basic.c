// A handler runs between two instructions of the program, sees its number, and leaves registers alone.
#include "check.h"

static volatile int seen[65];
static void handler(int signal) { seen[signal]++; }

int main(void) {
  int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH, SIGURG, SIGRTMIN + 3};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    handle(signals[i], handler, 0);
    check(kill(getpid(), signals[i]) == 0);
    check(seen[signals[i]] == 1);
    check(raise(signals[i]) == 0 && seen[signals[i]] == 2);
  }
  handle(SIGUSR1, SIG_IGN, 0);
  check(raise(SIGUSR1) == 0 && seen[SIGUSR1] == 2);
  check_fails(kill(getpid(), 99), EINVAL);
  check_fails(kill(1 << 29, SIGTERM), ESRCH);
  return succeed();
}
