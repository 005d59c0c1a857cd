// Children that end by each kind of fatal signal: what the parent sees of it.
#include "check.h"
#include <sys/resource.h>

int main(void) {
  struct rlimit none = {0, 0};
  check(setrlimit(RLIMIT_CORE, &none) == 0);
  int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGFPE, SIGKILL, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
                   SIGUSR1, SIGBUS, SIGTRAP, SIGSYS, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGRTMIN, SIGRTMAX};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    pid_t child = fork();
    if (child == 0) {
      kill(getpid(), signals[i]);
      for (;;) pause();
    }
    expect_killed(child, signals[i]);
  }
  return succeed();
}
