// ppoll(2) and pselect(2) let a blocked signal in while they wait, and only then.
#include "check.h"
#include <poll.h>
#include <sys/select.h>

static volatile int seen;
static void handler(int signal) { seen++; (void)signal; }

int main(void) {
  handle(SIGUSR1, handler, 0);
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  check(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
  raise(SIGUSR1);
  check(seen == 0);
  struct timespec forever = {100, 0};
  check_fails(ppoll(NULL, 0, &forever, &none), EINTR);
  check(seen == 1);
  raise(SIGUSR1);
  check_fails(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
  check(seen == 2);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    sleep_milliseconds(5);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  check_fails(ppoll(NULL, 0, NULL, &none), EINTR);
  check(seen == 3);
  expect_exit(child, 0);
  sigset_t now;
  check(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1));
  return succeed();
}
