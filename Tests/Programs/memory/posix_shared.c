// POSIX shared memory by name, between processes that open it separately.
#include "check.h"

int main(int argc, char **argv) {
  char name[64];
  if (argc > 1) {
    int fd = shm_open(argv[1], O_RDWR, 0);
    volatile int *values = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(fd >= 0 && values != MAP_FAILED && values[0] == getppid());
    values[1] = getpid();
    return 0;
  }
  sprintf(name, "/rrs-test-%d", getpid());
  int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  check(fd >= 0 && ftruncate(fd, 4096) == 0);
  volatile int *values = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(values != MAP_FAILED);
  values[0] = getpid();
  pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", argv[0], name, NULL);
    _exit(99);
  }
  expect_exit(child, 0);
  check(values[1] == child);
  check(shm_unlink(name) == 0);
  check_fails(shm_open(name, O_RDWR, 0), ENOENT);
  say("%s met %d", name, child);
  return succeed();
}
