// A daemon in the classic way: fork, setsid, fork, chdir; it outlives its parent and reports through a FIFO.
#include "check.h"

int main(void) {
  check(mkfifo("report", 0600) == 0);
  char directory[PATH_MAX], path[PATH_MAX + 16];
  check(getcwd(directory, sizeof directory));
  snprintf(path, sizeof path, "%s/report", directory);
  pid_t child = fork();
  if (child == 0) {
    check(setsid() > 0);
    if (fork() != 0) _exit(0);
    check(chdir("/") == 0);
    umask(0);
    pid_t ids[3] = {getpid(), getsid(0), getpgrp()};
    int fd = open(path, O_WRONLY);
    check(fd >= 0 && write(fd, ids, sizeof ids) == sizeof ids);
    _exit(0);
  }
  expect_exit(child, 0);
  int fd = open("report", O_RDONLY);
  pid_t ids[3];
  check(fd >= 0 && read(fd, ids, sizeof ids) == sizeof ids);
  check(ids[0] != child && ids[1] == child && ids[2] == child);
  check(read(fd, ids, 1) == 0);
  say("daemon %d session %d", ids[0], ids[1]);
  unlink("report");
  return succeed();
}
