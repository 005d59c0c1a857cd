// Two threads that wait for each other on memory alone, with an interval timer of 3 ms.
#include "check.h"

static volatile int turn;
static volatile int alarms;

static void count_alarm(int signal) {
  (void)signal;
  alarms++;
}

static void *answer(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    while (turn != 1) {}
    turn = 0;
  }
  return NULL;
}

int main(int count, char **arguments) {
  long rounds = count > 1 ? atol(arguments[1]) : 20;
  pthread_t thread;
  handle(SIGALRM, count_alarm, SA_RESTART);
  struct itimerval interval = {{0, 3000}, {0, 3000}};
  check(setitimer(ITIMER_REAL, &interval, NULL) == 0);
  start_thread(&thread, answer, (void *)rounds);
  for (long i = 0; i < rounds; i++) {
    turn = 1;
    while (turn != 0) {}
  }
  join_thread(thread);
  say("%d alarms", alarms);
  return succeed();
}
