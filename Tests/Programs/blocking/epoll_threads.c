// Several threads wait on one epoll set; each byte wakes one; epoll_pwait(2) and epoll_pwait2(2).
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int set, counter, stop;
static atomic_int taken;

static void *worker(void *argument) {
  struct epoll_event event;
  for (;;) {
    check(epoll_wait(set, &event, 1, -1) == 1);
    if (event.data.fd == stop) return argument;
    uint64_t value;
    if (read(counter, &value, 8) == 8) taken++;
    else check(errno == EAGAIN);
  }
}

int main(void) {
  set = epoll_create1(0);
  counter = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
  stop = eventfd(0, 0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = counter};
  check(epoll_ctl(set, EPOLL_CTL_ADD, counter, &event) == 0);
  event.data.fd = stop;
  check(epoll_ctl(set, EPOLL_CTL_ADD, stop, &event) == 0);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) start_thread(&threads[i], worker, NULL);
  uint64_t one = 1;
  for (int i = 0; i < 40; i++) check(write(counter, &one, 8) == 8);
  while (taken < 40) sched_yield();
  check(write(stop, &one, 8) == 8);
  for (int i = 0; i < 4; i++) join_thread(threads[i]);
  sigset_t none;
  sigemptyset(&none);
  check(epoll_pwait(set, &event, 1, -1, &none) == 1 && event.data.fd == stop);
  struct timespec timeout = {0, 1000000};
  int result = (int)syscall(SYS_epoll_pwait2, set, &event, 1, &timeout, NULL, 0);
  check(result == 1 || errno == ENOSYS);
  return succeed();
}
