// eventfd(2) as a counter and as a semaphore; a writer blocks when the counter is full.
#include "check.h"
#include <sys/eventfd.h>

static int fd;

static void *reader(void *unused) {
  uint64_t value;
  sleep_milliseconds(5);
  check(read(fd, &value, 8) == 8);
  return unused;
}

int main(void) {
  fd = eventfd(3, 0);
  uint64_t value;
  check(fd >= 0 && read(fd, &value, 8) == 8 && value == 3);
  value = UINT64_MAX - 1;
  check(write(fd, &value, 8) == 8);
  pthread_t thread;
  start_thread(&thread, reader, NULL);
  value = 5;
  check(write(fd, &value, 8) == 8);
  join_thread(thread);
  check(read(fd, &value, 8) == 8 && value == 5);
  int semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  for (int i = 0; i < 2; i++) check(read(semaphore, &value, 8) == 8 && value == 1);
  check_fails(read(semaphore, &value, 8), EAGAIN);
  check_fails(write(semaphore, &value, 4), EINVAL);
  return succeed();
}
