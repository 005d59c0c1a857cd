// Symbolic and hard links: made, read with too little room, chained, looped, and of open files through /proc.
#include "check.h"

int main(void) {
  char text[PATH_MAX] = {0};
  struct stat state;
  make_file("file", "content", 7);
  check(link("file", "hard") == 0 && stat("file", &state) == 0 && state.st_nlink == 2);
  check(symlink("file", "soft") == 0 && readlink("soft", text, sizeof text) == 4 && strcmp(text, "file") == 0);
  check(readlink("soft", text, 2) == 2);
  check(symlinkat("soft", AT_FDCWD, "chain") == 0 && stat("chain", &state) == 0 && state.st_size == 7);
  check(symlink("loop", "loop") == 0);
  check_fails(open("loop", O_RDONLY), ELOOP);
  check_fails(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
  check_fails(readlink("file", text, sizeof text), EINVAL);
  check(linkat(AT_FDCWD, "soft", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW) == 0);
  check(stat("file", &state) == 0 && state.st_nlink == 3);
  int fd = open("file", O_RDONLY);
  check(unlink("file") == 0 && unlink("hard") == 0 && unlink("followed") == 0);
  check(fstat(fd, &state) == 0 && state.st_nlink == 0 && read(fd, text, 7) == 7);
  sprintf(text, "/proc/self/fd/%d", fd);
  char target[PATH_MAX] = {0};
  check(readlink(text, target, sizeof target) > 0);
  char *real = realpath("/proc/self", NULL);
  check(real && atoi(real + 6) == getpid());
  say("%s, %s", target, real);
  unlink("soft"), unlink("chain"), unlink("loop");
  return succeed();
}
