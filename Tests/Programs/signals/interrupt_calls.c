// Without SA_RESTART, calls end with EINTR: read, write, wait, pause, nanosleep, poll, select, epoll, futex, recv,
// accept, msgrcv.
#include "check.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

static volatile int seen;
static void handler(int signal) { seen++; (void)signal; }

static void arm(void) {
  struct itimerval timer = {.it_value = {0, 30000}};
  check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

#define interrupted(call)            \
  do {                               \
    int before = seen;               \
    arm();                           \
    check_fails(call, EINTR);        \
    check(seen == before + 1);       \
  } while (0)

int main(void) {
  handle(SIGALRM, handler, 0);
  int fds[2], sockets[2], word = 0;
  char byte, *big = calloc(1, 1 << 20);
  check(pipe(fds) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  pid_t child = fork();
  if (child == 0) for (;;) pause();
  interrupted(read(fds[0], &byte, 1));
  interrupted(waitpid(child, NULL, 0));
  interrupted(pause());
  interrupted(poll(&(struct pollfd){fds[0], POLLIN, 0}, 1, -1));
  interrupted(recv(sockets[0], &byte, 1, 0));
  interrupted(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
  struct timespec rest = {100, 0}, left = {0, 0};
  interrupted(nanosleep(&rest, &left));
  check(left.tv_sec == 99);
  say("left %ld.%09ld", left.tv_sec, left.tv_nsec);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fds[0], &set);
  interrupted(select(fds[0] + 1, &set, NULL, NULL, NULL));
  int epoll = epoll_create1(0);
  struct epoll_event event;
  interrupted(epoll_wait(epoll, &event, 1, -1));
  int queue = msgget(IPC_PRIVATE, 0600);
  interrupted(msgrcv(queue, big, 8, 0, 0));
  check(msgctl(queue, IPC_RMID, NULL) == 0);
  int before = seen;
  arm();
  ssize_t count = write(fds[1], big, 1 << 20);
  check(count > 0 && count < 1 << 20 && seen == before + 1);
  kill(child, SIGKILL);
  expect_killed(child, SIGKILL);
  return succeed();
}
