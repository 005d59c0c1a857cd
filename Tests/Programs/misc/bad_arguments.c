// Wrong pointers, descriptors and flags: the calls fail as the kernel says, and nothing else happens.
#include "check.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void) {
  void *volatile hidden = (void *)8;
  void *bad = hidden;
  int fds[2];
  struct stat state;
  check_fails(pipe(bad), EFAULT);
  check(pipe(fds) == 0 && write(fds[1], "abc", 3) == 3);
  check_fails(read(fds[0], bad, 3), EFAULT);
  check_fails(write(fds[1], bad, 3), EFAULT);
  check_fails(open(bad, O_RDONLY), EFAULT);
  check_fails(fstat(fds[0], bad), EFAULT);
  check_fails(stat("/nonexistent", &state), ENOENT);
  check_fails(read(-1, &state, 1), EBADF);
  check_fails(close(12345), EBADF);
  check_fails(syscall(SYS_clock_gettime, 0, bad), EFAULT);
  check_fails(syscall(SYS_poll, bad, 1, 0), EFAULT);
  check_fails(syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8), EFAULT);
  check_fails(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 7), EINVAL);
  check_fails(syscall(SYS_getdents64, fds[0], &state, sizeof state), ENOTDIR);
  check_fails(readv(fds[0], bad, 2), EFAULT);
  check_fails(syscall(SYS_readv, fds[0], NULL, -1L), EINVAL);
  check_fails(syscall(SYS_wait4, -1, NULL, 0xff0000, NULL), EINVAL);
  check_fails(syscall(SYS_recvmsg, fds[0], NULL, 0), ENOTSOCK);
  check_fails(syscall(SYS_uname, bad), EFAULT);
  check_fails(lseek(fds[0], 0, SEEK_SET), ESPIPE);
  // A buffer whose second page is missing: the kernel copies what it can.
  size_t page = page_size();
  char *area = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(munmap(area + page, page) == 0);
  int fd = open("/dev/zero", O_RDONLY);
  ssize_t count = read(fd, area + page - 100, 200);
  check(count == 100 || (count == -1 && errno == EFAULT));
  say("partial read gave %zd", count);
  return succeed();
}
