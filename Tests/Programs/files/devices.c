// /dev/null, /dev/zero, /dev/full, /dev/random, device numbers, and mknod(2) of a FIFO.
#include "check.h"
#include <sys/sysmacros.h>

int main(void) {
  char bytes[64];
  struct stat state;
  int fd = open("/dev/null", O_RDWR);
  check(write(fd, bytes, 64) == 64 && read(fd, bytes, 64) == 0);
  fd = open("/dev/zero", O_RDONLY);
  memset(bytes, 1, 64);
  check(read(fd, bytes, 64) == 64 && bytes[0] == 0 && bytes[63] == 0);
  char *mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  check(mapped != MAP_FAILED && mapped[5000] == 0);
  mapped[5000] = 1;
  fd = open("/dev/full", O_WRONLY);
  check_fails(write(fd, bytes, 1), ENOSPC);
  fd = open("/dev/random", O_RDONLY);
  check(read(fd, bytes, 16) == 16);
  check(fstat(fd, &state) == 0 && S_ISCHR(state.st_mode) && major(state.st_rdev) == 1);
  check(mknod("fifo", S_IFIFO | 0600, 0) == 0 && stat("fifo", &state) == 0 && S_ISFIFO(state.st_mode));
  unlink("fifo");
  say("random %016lx", digest(bytes, 16));
  return succeed();
}
