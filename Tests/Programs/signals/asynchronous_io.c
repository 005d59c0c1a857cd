// SIGIO from a pipe's other end: F_SETOWN, F_SETSIG, O_ASYNC and the details that come with it.
#include "check.h"
#include <poll.h>
#include <sys/socket.h>

static volatile int seen;
static volatile siginfo_t last;
static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  last = *info;
  seen++;
}

int main(void) {
  int sockets[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  handle_info(SIGRTMIN, handler, 0);
  check(fcntl(sockets[0], F_SETOWN, getpid()) == 0 && fcntl(sockets[0], F_GETOWN) == getpid());
  check(fcntl(sockets[0], F_SETSIG, SIGRTMIN) == 0 && fcntl(sockets[0], F_GETSIG) == SIGRTMIN);
  check(fcntl(sockets[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
  pid_t child = fork();
  if (child == 0) {
    check(write(sockets[1], "x", 1) == 1);
    _exit(0);
  }
  while (!seen) sched_yield();
  check(last.si_fd == sockets[0] && last.si_band & POLLIN);
  expect_exit(child, 0);
  say("descriptor %d band %lx", last.si_fd, last.si_band);
  return succeed();
}
