// Forks 300 children, all of which signal their parent, while an interval timer runs.
#include "check.h"

enum { CHILDREN = 300 };

static volatile sig_atomic_t alarms, greetings, deaths;

static void count_signal(int signal) {
  if (signal == SIGALRM) alarms++;
  if (signal == SIGUSR1) greetings++;
  if (signal == SIGCHLD) deaths++;
}

int main(void) {
  handle(SIGALRM, count_signal, SA_RESTART);
  handle(SIGUSR1, count_signal, SA_RESTART);
  handle(SIGCHLD, count_signal, SA_RESTART);
  struct itimerval interval = {{0, 2000}, {0, 2000}};
  check(setitimer(ITIMER_REAL, &interval, NULL) == 0);
  int waited = 0;
  for (int i = 0; i < CHILDREN; i++) {
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
      check(kill(getppid(), SIGUSR1) == 0);
      _exit(i % 7);
    }
    int status;
    while (i - waited > 20 && waitpid(-1, &status, 0) > 0) waited++;
  }
  while (wait(NULL) > 0) waited++;
  check(errno == ECHILD && waited == CHILDREN);
  say("%d alarms, %d greetings, %d deaths seen", alarms, greetings, deaths);
  return succeed();
}
