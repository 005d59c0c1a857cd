// timerfd(2): one shot, periodic, absolute, reading the time left, and reading without waiting.
#include "check.h"
#include <sys/timerfd.h>

int main(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  check(fd >= 0);
  struct itimerspec setting = {{0, 1000000}, {0, 2000000}}, left;
  check(timerfd_settime(fd, 0, &setting, NULL) == 0);
  uint64_t expirations, total = 0;
  while (total < 5) {
    check(read(fd, &expirations, 8) == 8);
    total += expirations;
  }
  say("%lu expirations", total);
  setting = (struct itimerspec){{0, 0}, {100, 0}};
  check(timerfd_settime(fd, 0, &setting, &left) == 0);
  check(timerfd_gettime(fd, &left) == 0 && left.it_value.tv_sec == 99);
  say("left %ld.%09ld", left.it_value.tv_sec, left.it_value.tv_nsec);
  check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  check_fails(read(fd, &expirations, 8), EAGAIN);
  int wall = timerfd_create(CLOCK_REALTIME, 0);
  check(clock_gettime(CLOCK_REALTIME, &setting.it_value) == 0);
  check(timerfd_settime(wall, TFD_TIMER_ABSTIME, &setting, NULL) == 0);
  check(read(wall, &expirations, 8) == 8 && expirations == 1);
  return succeed();
}
