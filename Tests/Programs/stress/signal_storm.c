// Computes while something outside sends signals, until SIGTERM.
#include "check.h"

static volatile sig_atomic_t ended;
static volatile long counts[3];
static volatile uint64_t seen;
static volatile uint64_t state = 1;

static void count_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (signal == SIGTERM) ended = 1;
  counts[signal == SIGUSR1 ? 0 : signal == SIGUSR2 ? 1 : 2]++;
  // Where it came shows in the sum.
  seen = seen * 31 + state + (uint64_t)info->si_pid;
}

int main(void) {
  handle_info(SIGUSR1, count_signal, SA_RESTART);
  handle_info(SIGUSR2, count_signal, SA_RESTART | SA_NODEFER);
  handle_info(SIGTERM, count_signal, SA_RESTART);
  say("computing in %d.", getpid());
  while (!ended) {
    for (int i = 0; i < 1000; i++) state = state * 6364136223846793005u + 1442695040888963407u;
  }
  say("%ld, %ld and %ld signals, %016lx", counts[0], counts[1], counts[2], (unsigned long)seen);
  return succeed();
}
