// select(2) and pselect(2): sets are changed in place, time left is written back.
#include "check.h"
#include <sys/select.h>

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  check(dup2(fds[0], 200) == 200);
  fd_set readable, writable;
  FD_ZERO(&readable);
  FD_ZERO(&writable);
  FD_SET(fds[0], &readable);
  FD_SET(200, &readable);
  FD_SET(fds[1], &writable);
  struct timeval timeout = {1, 0};
  check(select(201, &readable, &writable, NULL, &timeout) == 1);
  check(!FD_ISSET(200, &readable) && FD_ISSET(fds[1], &writable));
  say("left %ld.%06ld", timeout.tv_sec, timeout.tv_usec);
  timeout = (struct timeval){0, 2000};
  FD_SET(200, &readable);
  check(select(201, &readable, NULL, NULL, &timeout) == 0);
  check(timeout.tv_sec == 0 && timeout.tv_usec == 0);
  pid_t child = fork();
  if (child == 0) {
    sleep_milliseconds(5);
    check(write(fds[1], "x", 1) == 1);
    _exit(0);
  }
  FD_SET(200, &readable);
  timeout = (struct timeval){100, 0};
  check(select(201, &readable, NULL, NULL, &timeout) == 1 && FD_ISSET(200, &readable));
  say("left %ld.%06ld", timeout.tv_sec, timeout.tv_usec);
  expect_exit(child, 0);
  struct timespec forever = {50, 0};
  check(pselect(201, &readable, NULL, NULL, &forever, NULL) == 1);
  return succeed();
}
