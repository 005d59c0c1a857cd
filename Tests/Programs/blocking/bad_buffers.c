// Blocking calls of a process with two threads, with buffers that can't be written: EFAULT, and nothing is lost or changed.
#include "check.h"
#include <sys/mman.h>
#include <sys/uio.h>

static void *idle(void *end) {
  char byte;
  check(read(*(int *)end, &byte, 1) == 1);
  return end;
}

int main(void) {
  int fds[2], stop[2];
  check(pipe(fds) == 0 && pipe(stop) == 0);
  pthread_t thread;
  start_thread(&thread, idle, &stop[0]);
  char *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(constant != MAP_FAILED);
  check(write(fds[1], "0123456789", 10) == 10);
  void *volatile nowhere = (void *)8;
  check_fails(read(fds[0], nowhere, 4), EFAULT);
  check_fails(read(fds[0], constant, 4), EFAULT);
  check(constant[0] == 0);
  char buffer[16];
  struct iovec parts[2] = {{buffer, 4}, {constant, 4}};
  ssize_t count = readv(fds[0], parts, 2);
  check(count == 4 || (count == -1 && errno == EFAULT));
  check(constant[0] == 0);
  say("readv %zd", count);
  check(write(stop[1], "x", 1) == 1);
  join_thread(thread);
  return succeed();
}
