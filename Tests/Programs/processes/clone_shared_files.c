// clone(2) with CLONE_FILES: one descriptor table, no shared memory.
#include "check.h"

static int fd = -1;

int main(void) {
  char stack[65536] __attribute__((aligned(16)));
  (void)stack;
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
  check(child >= 0);
  if (child == 0) {
    fd = open("/dev/null", O_WRONLY);
    check(fd >= 0);
    check(dup2(fd, 40) == 40);
    _exit(fd);
  }
  int status = wait_for(child);
  check(WIFEXITED(status));
  int opened = WEXITSTATUS(status);
  check(fd == -1);
  check(fcntl(opened, F_GETFD) == 0);
  check(close(40) == 0);
  check(close(opened) == 0);
  say("child %d opened %d", child, opened);
  return succeed();
}
