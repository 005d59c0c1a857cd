// Calls that a recorder may refuse and programs must live without: io_uring, keyctl, rseq, bpf, userfaultfd, and
// numbers nobody knows.
#include "check.h"

static void show(const char *name, long result) {
  say("%s: %s", name, result < 0 ? strerror(errno) : "works");
  if (result > 2) close((int)result);
}

int main(void) {
  char parameters[256] = {0};
  show("io_uring_setup", syscall(SYS_io_uring_setup, 4, parameters));
  show("keyctl", syscall(SYS_keyctl, 0, -3, 0) < 0 ? -1 : 0);
  show("userfaultfd", syscall(SYS_userfaultfd, 0));
  show("bpf", syscall(SYS_bpf, 0, parameters, 8));
  show("perf_event_open", syscall(SYS_perf_event_open, parameters, 0, -1, -1, 0));
  check_fails(syscall(5000), ENOSYS);
  check_fails(syscall(1000000), ENOSYS);
  check_fails(syscall(-1L), ENOSYS);
  return succeed();
}
