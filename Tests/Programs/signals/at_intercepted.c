// A timer's signals between instructions that an engine executes by hand: cpuid, and lazy binding's save of registers.
// compile: -Wl,-z,lazy -lm
// checksum: 50
#include "check.h"
#include <cpuid.h>
#include <math.h>
#include <sys/time.h>

static volatile long seen;
static volatile unsigned long last;
static void handler(int signal) {
  (void)signal;
  seen++;
  last = last * 31 + seen;
}

int main(void) {
  handle(SIGALRM, handler, SA_RESTART);
  struct itimerval timer = {.it_interval = {0, 1000}, .it_value = {0, 1000}};
  check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  unsigned sum = 0, a, b, c, d;
  for (int i = 0; i < 5000; i++) {
    __cpuid_count(i % 2 ? 7 : 0, 0, a, b, c, d);
    sum = sum * 7 + (a ^ b ^ c ^ d);
  }
  double x = sin(sum) + cos(sum) + tan(sum) + exp(1.0 / (1 + sum)) + log(2.0 + sum) + pow(sum, 0.3) + cbrt(sum);
  timer = (struct itimerval){0};
  check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  check(x == x);
  say("seen some: %d, %u", seen > 0, sum != 0);
  return succeed();
}
