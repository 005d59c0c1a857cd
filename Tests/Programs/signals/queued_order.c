// Real-time signals queue and come lowest number first, each number in order; ordinary ones are merged.
#include "check.h"

static volatile int numbers[64], values[64];
static volatile int count;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  numbers[count] = signal;
  values[count++] = info->si_value.sival_int;
}

int main(void) {
  sigset_t set;
  sigfillset(&set);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigfillset(&action.sa_mask);
  int order[] = {SIGRTMIN + 5, SIGUSR2, SIGRTMIN + 1, SIGRTMIN + 5, SIGUSR2, SIGRTMIN + 1, SIGRTMIN + 9};
  for (int i = 0; i < 7; i++) {
    check(sigaction(order[i], &action, NULL) == 0);
    check(sigqueue(getpid(), order[i], (union sigval){.sival_int = i}) == 0);
  }
  sigemptyset(&set);
  check(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
  check(count == 6);
  int expected[] = {SIGUSR2, SIGRTMIN + 1, SIGRTMIN + 1, SIGRTMIN + 5, SIGRTMIN + 5, SIGRTMIN + 9};
  for (int i = 0; i < 6; i++) {
    say("signal %d value %d", numbers[i], values[i]);
    bool found = false;
    for (int j = 0; j < 6; j++) found |= numbers[j] == expected[i];
    check(found);
  }
  return succeed();
}
