// Handlers of signals that come from a timer, from the process itself, and from its own faults.
// compile: -O0
#include "check.h"
#include <setjmp.h>

static volatile int alarms, raised;
static volatile long rounds;
static sigjmp_buf place;

void on_alarm(int number) {
  (void)number;
  alarms++;
}

void on_raise(int number, siginfo_t *info, void *context) {
  (void)context;
  check(number == SIGUSR1 && info->si_pid == getpid());
  raised++;
}

void on_fault(int number) {
  (void)number;
  siglongjmp(place, 1);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  check(sigaction(SIGALRM, &action, NULL) == 0);
  action.sa_handler = on_fault;
  check(sigaction(SIGSEGV, &action, NULL) == 0);
  action.sa_sigaction = on_raise;
  action.sa_flags = SA_SIGINFO;
  check(sigaction(SIGUSR1, &action, NULL) == 0);
  for (int i = 0; i < 3; i++) {
    struct itimerval once = {{0, 0}, {0, 3000}};
    check(setitimer(ITIMER_REAL, &once, NULL) == 0);
    while (alarms == i) rounds++;
  }
  check(raise(SIGUSR1) == 0);
  check(raised == 1);
  volatile int *nowhere = NULL;
  if (sigsetjmp(place, 1) == 0) *nowhere = 1;
  say("%d alarms in %ld rounds", alarms, rounds);
  return succeed();
}
