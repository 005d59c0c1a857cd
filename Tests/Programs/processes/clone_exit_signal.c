// clone(2) with another exit signal, and with none: wait4(2) needs __WCLONE or __WALL.
#include "check.h"

static volatile int seen;
static void handler(int signal) { seen = signal; }

int main(void) {
  handle(SIGUSR1, handler, 0);
  pid_t child = (pid_t)syscall(SYS_clone, SIGUSR1, NULL, NULL, NULL, NULL);
  if (child == 0) _exit(1);
  int status;
  pid_t got;
  while ((got = waitpid(child, &status, __WCLONE)) == -1) check(errno == EINTR);
  check(got == child);
  check(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  wait_flag(&seen);
  check(seen == SIGUSR1);

  child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
  if (child == 0) _exit(2);
  check_fails(waitpid(child, &status, 0), ECHILD);
  check(waitpid(child, &status, __WALL) == child);
  check(WIFEXITED(status) && WEXITSTATUS(status) == 2);
  say("last child %d", child);
  return succeed();
}
