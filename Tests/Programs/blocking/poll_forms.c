// poll(2): ready, time-out, hang-up, invalid descriptor, and blocked until another process writes.
#include "check.h"
#include <poll.h>

int main(void) {
  int a[2], b[2];
  check(pipe(a) == 0 && pipe(b) == 0);
  struct pollfd set[4] = {{a[0], POLLIN, 0}, {b[1], POLLOUT, 0}, {-1, POLLIN, 7}, {999, POLLIN, 0}};
  check(poll(set, 4, -1) == 2);
  check(set[0].revents == 0 && set[1].revents == POLLOUT && set[2].revents == 0 && set[3].revents == POLLNVAL);
  check(poll(set, 1, 3) == 0);
  check(poll(NULL, 0, 2) == 0);
  pid_t child = fork();
  if (child == 0) {
    sleep_milliseconds(5);
    check(write(a[1], "x", 1) == 1);
    _exit(0);
  }
  check(poll(set, 1, -1) == 1 && set[0].revents == POLLIN);
  expect_exit(child, 0);
  char byte;
  check(read(a[0], &byte, 1) == 1);
  close(a[1]);
  check(poll(set, 1, -1) == 1 && set[0].revents == POLLHUP);
  return succeed();
}
