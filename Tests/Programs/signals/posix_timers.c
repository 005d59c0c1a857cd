// timer_create(2): signals with values, overruns, to a thread by id, by a new thread, and none at all.
#include "check.h"

static volatile int seen, value, notified;
static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  seen++;
  value = info->si_value.sival_int;
}
static void notify(union sigval argument) { notified = argument.sival_int; }

int main(void) {
  handle_info(SIGRTMIN, handler, 0);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 31};
  timer_t timer;
  check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  struct itimerspec setting = {{0, 2000000}, {0, 2000000}}, left;
  check(timer_settime(timer, 0, &setting, NULL) == 0);
  while (seen < 3) pause();
  check(value == 31);
  int overrun = timer_getoverrun(timer);
  check(overrun >= 0);
  check(timer_gettime(timer, &left) == 0 && left.it_interval.tv_nsec == 2000000);
  check(timer_delete(timer) == 0);
  event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 5};
  check(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
  setting = (struct itimerspec){{0, 0}, {0, 1000000}};
  check(timer_settime(timer, 0, &setting, NULL) == 0);
  while (notified != 5) sched_yield();
  check(timer_delete(timer) == 0);
  event = (struct sigevent){.sigev_notify = SIGEV_NONE};
  check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  setting.it_value.tv_sec = 50;
  check(timer_settime(timer, 0, &setting, NULL) == 0 && timer_gettime(timer, &left) == 0);
  say("overrun %d, left %ld.%09ld", overrun, left.it_value.tv_sec, left.it_value.tv_nsec);
  return succeed();
}
