// Each process forks the next, and exit codes travel back up.
#include "check.h"

static int descend(int depth) {
  if (depth == 0) return 1;
  pid_t child = fork();
  check(child >= 0);
  if (child == 0) _exit(descend(depth - 1));
  int status = wait_for(child);
  check(WIFEXITED(status));
  say("depth %d: %d had child %d", depth, getpid(), child);
  return WEXITSTATUS(status) + 1;
}

int main(void) {
  check(descend(12) == 13);
  return succeed();
}
