// memfd_create(2): mapped shared by parent and child, sealed, reopened through /proc, and written through the
// descriptor.
#include "check.h"

int main(void) {
  size_t page = page_size();
  int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  check(fd >= 0 && ftruncate(fd, 4 * page) == 0);
  char *area = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(area != MAP_FAILED);
  check(pwrite(fd, "through the descriptor", 22, page) == 22 && memcmp(area + page, "through", 7) == 0);
  char path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  int again = open(path, O_RDWR);
  check(again >= 0);
  char *other = mmap(NULL, page, PROT_READ, MAP_SHARED, again, 0);
  pid_t child = fork();
  if (child == 0) {
    sprintf(area, "%d", getpid());
    _exit(0);
  }
  expect_exit(child, 0);
  check(atoi(other) == child);
  check(munmap(area, 4 * page) == 0 && munmap(other, page) == 0);
  check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
  check(fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  check_fails(write(fd, "x", 1), EPERM);
  check_fails(ftruncate(fd, 0), EPERM);
  char link[128] = {0};
  check(readlink(path, link, sizeof link - 1) > 0);
  say("%s written by %d", link, child);
  return succeed();
}
