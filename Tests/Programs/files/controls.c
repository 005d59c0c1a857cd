// ioctl(2) on files, pipes and what is no terminal.
#include "check.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
  int fds[2], value = 0;
  check(pipe(fds) == 0 && write(fds[1], "12345", 5) == 5);
  check(ioctl(fds[0], FIONREAD, &value) == 0 && value == 5);
  value = 1;
  check(ioctl(fds[0], FIONBIO, &value) == 0 && fcntl(fds[0], F_GETFL) & O_NONBLOCK);
  check(ioctl(fds[0], FIOCLEX) == 0 && fcntl(fds[0], F_GETFD) == FD_CLOEXEC && ioctl(fds[0], FIONCLEX) == 0);
  struct termios settings;
  check_fails(tcgetattr(fds[0], &settings), ENOTTY);
  struct winsize size;
  check_fails(ioctl(fds[0], TIOCGWINSZ, &size), ENOTTY);
  int fd = open("file", O_CREAT | O_RDWR, 0600);
  long flags = 0;
  int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
  check(result == 0 || errno == ENOTTY || errno == EOPNOTSUPP);
  check(write(fd, "abc", 3) == 3 && lseek(fd, 1, SEEK_SET) == 1 && ioctl(fd, FIONREAD, &value) == 0 && value == 2);
  check_fails(ioctl(fd, 0x12345678, &value), ENOTTY);
  unlink("file");
  return succeed();
}
