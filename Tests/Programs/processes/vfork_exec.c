// vfork(2): the parent is suspended until the child has executed another program.
#include "check.h"

int main(int argc, char **argv) {
  if (argc > 1) {
    say("executed as %s in %d", argv[1], getpid());
    return 5;
  }
  volatile int stage = 0;
  pid_t child = vfork();
  check(child >= 0);
  if (child == 0) {
    stage = 1;
    execl("/proc/self/exe", argv[0], "again", NULL);
    _exit(99);
  }
  check(stage == 1);
  expect_exit(child, 5);
  say("vfork child %d", child);
  return succeed();
}
