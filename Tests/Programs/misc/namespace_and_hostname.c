// unshare(2) of namespaces in a child, where that is allowed: another host name, and ids inside a new user namespace.
#include "check.h"

int main(void) {
  char before[65], after[65];
  check(gethostname(before, sizeof before) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWUTS) == 0) {
      check(sethostname("elsewhere", 9) == 0);
      char name[65];
      check(gethostname(name, sizeof name) == 0 && strcmp(name, "elsewhere") == 0);
      say("renamed");
    } else {
      say("not allowed: %s", strerror(errno));
    }
    _exit(0);
  }
  expect_exit(child, 0);
  check(gethostname(after, sizeof after) == 0 && strcmp(before, after) == 0);
  return succeed();
}
