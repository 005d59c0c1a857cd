// clone(2) with CLONE_FS: the child's chdir(2) and umask(2) are the parent's too.
#include "check.h"

int main(void) {
  check(mkdir("inside", 0755) == 0);
  umask(022);
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL);
  check(child >= 0);
  if (child == 0) {
    check(chdir("inside") == 0);
    umask(077);
    _exit(0);
  }
  expect_exit(child, 0);
  char path[PATH_MAX];
  check(getcwd(path, sizeof path));
  check(strcmp(strrchr(path, '/'), "/inside") == 0);
  check(umask(0) == 077);
  check(chdir("..") == 0);
  check(rmdir("inside") == 0);
  say("in %s", path);
  return succeed();
}
