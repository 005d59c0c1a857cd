// dup(2), dup2(2), dup3(2), fcntl(2) on flags, shared offsets, close(2), close_range(2), and lowest numbers first.
#include "check.h"

int main(void) {
  make_file("file", "0123456789", 10);
  int fd = open("file", O_RDWR), copy = dup(fd);
  char bytes[4];
  check(read(fd, bytes, 3) == 3 && lseek(copy, 0, SEEK_CUR) == 3);
  check(dup2(fd, 100) == 100 && dup2(100, 100) == 100 && lseek(100, 0, SEEK_CUR) == 3);
  check_fails(dup2(77, 5), EBADF);
  check_fails(dup3(fd, fd, 0), EINVAL);
  check(dup3(fd, 101, O_CLOEXEC) == 101 && fcntl(101, F_GETFD) == FD_CLOEXEC);
  check(fcntl(fd, F_DUPFD, 150) == 150 && fcntl(fd, F_DUPFD_CLOEXEC, 150) == 151);
  check((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && fcntl(fd, F_SETFL, O_APPEND) == 0);
  check(fcntl(copy, F_GETFL) & O_APPEND);
  check(write(copy, "ab", 2) == 2 && lseek(fd, 0, SEEK_CUR) == 12);
  check(close(fd) == 0 && close(copy) == 0 && open("/dev/null", O_RDONLY) == (fd < copy ? fd : copy));
  check(syscall(SYS_close_range, 100, 200, 0) == 0);
  check_fails(fcntl(150, F_GETFD), EBADF);
  check(getdtablesize() > 10);
  say("first %d, copy %d", fd, copy);
  unlink("file");
  return succeed();
}
