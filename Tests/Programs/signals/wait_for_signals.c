// sigwait(3), sigwaitinfo(2) and sigtimedwait(2): pending, arriving, timed out, and interrupted by another signal.
#include "check.h"

static void handler(int signal) { (void)signal; }

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  siginfo_t info;
  raise(SIGUSR1);
  int number;
  check(sigwait(&set, &number) == 0 && number == SIGUSR1);
  struct timespec timeout = {0, 2000000};
  check_fails(sigtimedwait(&set, &info, &timeout), EAGAIN);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    sleep_milliseconds(3);
    sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = getpid()});
    sleep_milliseconds(6);
    kill(parent, SIGUSR2);
    _exit(0);
  }
  handle(SIGUSR2, handler, 0);
  check(sigwaitinfo(&set, &info) == SIGRTMIN);
  check(info.si_pid == child && info.si_value.sival_int == child && info.si_code == SI_QUEUE);
  timeout.tv_sec = 100;
  check_fails(sigtimedwait(&set, &info, &timeout), EINTR);
  expect_exit(child, 0);
  say("from %d", info.si_pid);
  return succeed();
}
