// setitimer(2) real, virtual and profiling; alarm(2); what is left of them.
#include "check.h"
#include <sys/resource.h>

static volatile int seen[65];
static void handler(int signal) { seen[signal]++; }

int main(void) {
  handle(SIGALRM, handler, 0);
  handle(SIGVTALRM, handler, 0);
  handle(SIGPROF, handler, 0);
  struct itimerval timer = {{0, 2000}, {0, 2000}}, old;
  check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  while (seen[SIGALRM] < 5) pause();
  timer = (struct itimerval){{0, 0}, {1000, 0}};
  check(setitimer(ITIMER_REAL, &timer, &old) == 0 && old.it_interval.tv_usec == 2000);
  unsigned left = alarm(0);
  check(left >= 999 && left <= 1000);
  check(alarm(500) == 0);
  check(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec >= 498);
  say("left %ld.%06ld", timer.it_value.tv_sec, timer.it_value.tv_usec);
  check(alarm(0) >= 499);
  timer = (struct itimerval){{0, 0}, {0, 5000}};
  check(setitimer(ITIMER_VIRTUAL, &timer, NULL) == 0 && setitimer(ITIMER_PROF, &timer, NULL) == 0);
  volatile long work = 0;
  while (!seen[SIGVTALRM] || !seen[SIGPROF]) {
    for (int i = 0; i < 20000; i++) work += i;
    sched_yield();
  }
  return succeed();
}
