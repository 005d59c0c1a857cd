// SA_RESTART: read(2), wait4(2), flock(2), futex waits and recv(2) go on after a handler ran.
#include "check.h"
#include <sys/file.h>
#include <sys/socket.h>

static volatile int seen;
static void handler(int signal) { seen++; (void)signal; }

/// A child that signals us twice and then does one last thing.
static pid_t pester(int fd, int lock) {
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    for (int i = 0; i < 2; i++) {
      sleep_milliseconds(4);
      kill(parent, SIGUSR1);
    }
    sleep_milliseconds(4);
    if (fd >= 0) check(write(fd, "x", 1) == 1);
    if (lock >= 0) check(flock(lock, LOCK_UN) == 0);
    _exit(0);
  }
  return child;
}

int main(void) {
  handle(SIGUSR1, handler, SA_RESTART);
  int fds[2], sockets[2];
  char byte;
  check(pipe(fds) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  pid_t child = pester(fds[1], -1);
  check(read(fds[0], &byte, 1) == 1 && seen == 2);
  expect_exit(child, 0);
  child = pester(-1, -1);
  int status;
  check(waitpid(child, &status, 0) == child && seen == 4);
  child = pester(sockets[1], -1);
  check(recv(sockets[0], &byte, 1, 0) == 1 && seen == 6);
  expect_exit(child, 0);
  int lock = open("lock", O_CREAT | O_RDWR, 0600), other = open("lock", O_RDWR);
  check(flock(lock, LOCK_EX) == 0);
  child = pester(-1, lock);
  check(flock(other, LOCK_EX) == 0 && seen == 8);
  expect_exit(child, 0);
  unlink("lock");
  return succeed();
}
