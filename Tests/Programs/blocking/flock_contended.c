// flock(2): shared and exclusive locks; the second process blocks until the first lets go.
#include "check.h"
#include <sys/file.h>

int main(void) {
  make_file("locked", "", 0);
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    int fd = open("locked", O_RDWR);
    check(flock(fd, LOCK_EX) == 0);
    check(write(fds[1], "l", 1) == 1);
    sleep_milliseconds(10);
    check(write(fd, "first", 5) == 5);
    check(flock(fd, LOCK_UN) == 0);
    _exit(0);
  }
  char byte, text[8] = {0};
  check(read(fds[0], &byte, 1) == 1);
  int fd = open("locked", O_RDWR), other = open("locked", O_RDWR);
  int result = flock(fd, LOCK_SH | LOCK_NB);
  check(result == 0 || errno == EWOULDBLOCK);
  check(flock(fd, LOCK_SH) == 0);
  check(read(fd, text, 5) == 5 && strcmp(text, "first") == 0);
  check(flock(other, LOCK_SH) == 0);
  check_fails(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  expect_exit(child, 0);
  unlink("locked");
  return succeed();
}
