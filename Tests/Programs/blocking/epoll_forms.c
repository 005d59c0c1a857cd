// epoll(7): level- and edge-triggered, one-shot, modification, removal, a set inside a set, time-outs.
#include "check.h"
#include <sys/epoll.h>

int main(void) {
  int set = epoll_create1(EPOLL_CLOEXEC), fds[2];
  check(set >= 0 && pipe2(fds, O_NONBLOCK) == 0);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, got[4];
  check(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event) == 0);
  check_fails(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event), EEXIST);
  check(epoll_wait(set, got, 4, 2) == 0);
  check(write(fds[1], "ab", 2) == 2);
  for (int i = 0; i < 2; i++) check(epoll_wait(set, got, 4, -1) == 1 && got[0].data.u64 == 0x1122334455667788);
  event.events = EPOLLIN | EPOLLET;
  check(epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event) == 0);
  check(epoll_wait(set, got, 4, 0) == 1);
  check(epoll_wait(set, got, 4, 0) == 0);
  event.events = EPOLLIN | EPOLLONESHOT;
  check(epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event) == 0);
  check(epoll_wait(set, got, 4, 0) == 1 && epoll_wait(set, got, 4, 0) == 0);
  int outer = epoll_create(1);
  event.events = EPOLLIN;
  event.data.ptr = &outer;
  check(epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event) == 0);
  check(epoll_ctl(outer, EPOLL_CTL_ADD, set, &event) == 0);
  check(epoll_wait(outer, got, 4, -1) == 1 && got[0].data.ptr == &outer);
  pid_t child = fork();
  char bytes[4];
  check(read(fds[0], bytes, 4) == (child == 0 ? -1 : 2) || child == 0 || errno == EAGAIN);
  if (child == 0) {
    sleep_milliseconds(5);
    check(write(fds[1], "z", 1) == 1);
    _exit(0);
  }
  int ready = epoll_wait(set, got, 4, -1);
  expect_exit(child, 0);
  check(ready == 1);
  check(epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL) == 0);
  check(epoll_wait(set, got, 4, 0) == 0);
  say("data at %p", got[0].data.ptr);
  return succeed();
}
