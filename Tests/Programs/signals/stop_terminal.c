// SIGTSTP, SIGTTIN and SIGTTOU stop by default, can be handled, and do nothing to an orphaned group.
#include "check.h"

static volatile int seen;
static void handler(int signal) { seen = signal; }

int main(void) {
  handle(SIGTSTP, handler, 0);
  raise(SIGTSTP);
  check(seen == SIGTSTP);
  signal(SIGTSTP, SIG_DFL);
  int signals[] = {SIGTSTP, SIGTTIN, SIGTTOU};
  for (int i = 0; i < 3; i++) {
    int status;
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      raise(signals[i]);
      _exit(5);
    }
    check(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == signals[i]);
    check(kill(child, SIGCONT) == 0);
    expect_exit(child, 5);
  }
  pid_t child = fork();
  if (child == 0) {
    check(setsid() > 0);
    raise(SIGTSTP);
    _exit(6);
  }
  expect_exit(child, 6);
  return succeed();
}
