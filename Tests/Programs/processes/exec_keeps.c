// What survives execve(2): process id, blocked and pending signals, ignored signals, directory, mask, timers;
// handlers don't.
#include "check.h"

int main(int argc, char **argv) {
  sigset_t set;
  if (argc > 1) {
    struct sigaction action;
    check(atoi(argv[1]) == getpid());
    check(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    check(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    check(sigprocmask(SIG_SETMASK, NULL, &set) == 0 && sigismember(&set, SIGHUP) && sigismember(&set, SIGALRM));
    check(sigpending(&set) == 0 && sigismember(&set, SIGHUP));
    check(umask(0) == 031);
    struct itimerval timer;
    check(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec > 900);
    say("left on the timer: %ld.%06ld", timer.it_value.tv_sec, timer.it_value.tv_usec);
    return succeed();
  }
  handle(SIGUSR1, (void (*)(int))abort, 0);
  handle(SIGUSR2, SIG_IGN, 0);
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGALRM);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  check(raise(SIGHUP) == 0);
  umask(031);
  struct itimerval timer = {.it_value = {1000, 0}};
  check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  char number[16];
  sprintf(number, "%d", getpid());
  execl("/proc/self/exe", argv[0], number, NULL);
  check(!"execl returned");
}
