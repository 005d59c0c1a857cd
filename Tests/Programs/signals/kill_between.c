// Processes signal one another back and forth, with handlers on both sides and sigsuspend(2) between.
#include "check.h"

static volatile int seen;
static void handler(int signal) { seen++; (void)signal; }

int main(void) {
  handle(SIGUSR1, handler, 0);
  sigset_t set, open;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  check(sigprocmask(SIG_BLOCK, &set, &open) == 0);
  pid_t parent = getpid(), child = fork();
  for (int i = 0; i < 20; i++) {
    if (child != 0) check(kill(child, SIGUSR1) == 0);
    while (seen == i) check_fails(sigsuspend(&open), EINTR);
    if (child == 0) check(kill(parent, SIGUSR1) == 0);
  }
  if (child == 0) _exit(seen);
  expect_exit(child, 20);
  check(seen == 20);
  return succeed();
}
