// makecontext(3) and swapcontext(3): coroutines on stacks of their own, with system calls and signals inside.
#include "check.h"
#include <ucontext.h>

static ucontext_t main_context, contexts[4];
static int steps[4];
static volatile int seen;
static void handler(int signal) { (void)signal; seen++; }

static void body(int number) {
  for (int i = 0; i < 10; i++) {
    steps[number]++;
    if (i % 3 == 0) raise(SIGUSR1);
    swapcontext(&contexts[number], &contexts[(number + 1) % 4]);
  }
}

int main(void) {
  handle(SIGUSR1, handler, 0);
  static char stacks[4][65536];
  for (int i = 0; i < 4; i++) {
    check(getcontext(&contexts[i]) == 0);
    contexts[i].uc_stack.ss_sp = stacks[i];
    contexts[i].uc_stack.ss_size = sizeof stacks[i];
    contexts[i].uc_link = &main_context;
    makecontext(&contexts[i], (void (*)(void))body, 1, i);
  }
  check(swapcontext(&main_context, &contexts[0]) == 0);
  check(steps[0] == 10 && steps[3] == 10 && seen == 16);
  return succeed();
}
