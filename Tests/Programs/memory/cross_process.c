// process_vm_readv(2) and process_vm_writev(2) between a parent and its child, and /proc/PID/mem.
#include "check.h"
#include <sys/uio.h>

static char target[64] = "untouched";

int main(void) {
  int fds[2], back[2];
  check(pipe(fds) == 0 && pipe(back) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    sprintf(target, "child %d", getpid());
    check(write(back[1], "r", 1) == 1);
    check(read(fds[0], &byte, 1) == 1);
    check(strcmp(target, "by the parent") == 0);
    check(write(back[1], "r", 1) == 1);
    check(read(fds[0], &byte, 1) == 1);
    check(strcmp(target, "by a file") == 0);
    _exit(0);
  }
  char byte, copy[64], path[64];
  struct iovec local = {copy, sizeof copy}, remote = {target, sizeof target};
  check(read(back[0], &byte, 1) == 1);
  check(process_vm_readv(child, &local, 1, &remote, 1, 0) == 64 && atoi(copy + 6) == child);
  strcpy(copy, "by the parent");
  check(process_vm_writev(child, &local, 1, &remote, 1, 0) == 64);
  check(write(fds[1], "g", 1) == 1 && read(back[0], &byte, 1) == 1);
  sprintf(path, "/proc/%d/mem", child);
  int fd = open(path, O_RDWR);
  check(fd >= 0 && pwrite(fd, "by a file", 10, (off_t)(uintptr_t)target) == 10);
  check(pread(fd, copy, 64, (off_t)(uintptr_t)target) == 64 && strcmp(copy, "by a file") == 0);
  check(write(fds[1], "g", 1) == 1);
  expect_exit(child, 0);
  check(strcmp(target, "untouched") == 0);
  return succeed();
}
