// unshare(2) of the descriptor table, close_range(2) with CLOSE_RANGE_UNSHARE, and threads with tables of their own.
#include "check.h"
#include <linux/close_range.h>

static int fds[2];

static void *own_table(void *unused) {
  check(unshare(CLONE_FILES) == 0);
  check(close(fds[0]) == 0);
  return unused;
}

static void *own_range(void *unused) {
  check(syscall(SYS_close_range, fds[0], fds[1], CLOSE_RANGE_UNSHARE) == 0);
  check(fcntl(fds[0], F_GETFD) == -1);
  return unused;
}

int main(void) {
  check(pipe(fds) == 0);
  pthread_t thread;
  start_thread(&thread, own_table, NULL);
  join_thread(thread);
  check(fcntl(fds[0], F_GETFD) == 0);
  start_thread(&thread, own_range, NULL);
  join_thread(thread);
  check(fcntl(fds[0], F_GETFD) == 0);
  check(syscall(SYS_close_range, fds[0], ~0u, CLOSE_RANGE_CLOEXEC) == 0);
  check(fcntl(fds[1], F_GETFD) == FD_CLOEXEC);
  return succeed();
}
