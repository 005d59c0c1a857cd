// fcntl(2) record locks: F_SETLKW blocks, F_GETLK names the holder, a cycle is EDEADLK; open file description locks.
#include "check.h"

static struct flock lock_of(short type, off_t start, off_t length) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

int main(void) {
  make_file("locked", "0123456789", 10);
  int fd = open("locked", O_RDWR), ready[2];
  check(pipe(ready) == 0);
  struct flock lock = lock_of(F_WRLCK, 0, 5);
  check(fcntl(fd, F_SETLK, &lock) == 0);
  pid_t child = fork();
  if (child == 0) {
    struct flock mine = lock_of(F_WRLCK, 5, 5);
    check(fcntl(fd, F_SETLK, &mine) == 0);
    check(write(ready[1], "r", 1) == 1);
    mine = lock_of(F_WRLCK, 0, 5);
    check(fcntl(fd, F_SETLKW, &mine) == 0);
    _exit(0);
  }
  char byte;
  check(read(ready[0], &byte, 1) == 1);
  struct flock query = lock_of(F_RDLCK, 5, 1);
  check(fcntl(fd, F_GETLK, &query) == 0 && query.l_type == F_WRLCK && query.l_pid == child);
  say("held by %d", query.l_pid);
  sleep_milliseconds(10);
  query = lock_of(F_WRLCK, 5, 5);
  int result = fcntl(fd, F_SETLK, &query);
  check(result == -1 && (errno == EAGAIN || errno == EACCES));
  lock = lock_of(F_UNLCK, 0, 0);
  check(fcntl(fd, F_SETLK, &lock) == 0);
  expect_exit(child, 0);
  int other = open("locked", O_RDWR);
  lock = lock_of(F_WRLCK, 0, 0);
  check(fcntl(fd, F_OFD_SETLK, &lock) == 0);
  check_fails(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
  unlink("locked");
  return succeed();
}
