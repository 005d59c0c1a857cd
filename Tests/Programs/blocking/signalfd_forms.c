// signalfd(2): signals with their details are read from a descriptor, several at once, and wake poll(2).
#include "check.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGCHLD);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  int fd = signalfd(-1, &set, SFD_CLOEXEC);
  check(fd >= 0);
  union sigval value = {.sival_int = 4711};
  check(sigqueue(getpid(), SIGRTMIN, value) == 0 && sigqueue(getpid(), SIGRTMIN, value) == 0);
  check(kill(getpid(), SIGUSR1) == 0);
  struct signalfd_siginfo info[4];
  check(read(fd, info, sizeof info) == 3 * sizeof info[0]);
  check(info[0].ssi_signo == SIGUSR1 && info[1].ssi_signo == (unsigned)SIGRTMIN && info[1].ssi_int == 4711);
  pid_t child = fork();
  if (child == 0) {
    sleep_milliseconds(5);
    _exit(3);
  }
  check(poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) == 1);
  check(read(fd, info, sizeof info) == sizeof info[0]);
  check(info[0].ssi_signo == SIGCHLD && info[0].ssi_pid == (unsigned)child && info[0].ssi_status == 3);
  say("child %u uid %u", info[0].ssi_pid, info[0].ssi_uid);
  expect_exit(child, 3);
  check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  check_fails(read(fd, info, sizeof info), EAGAIN);
  return succeed();
}
