// open(2), openat(2), openat2(2), creat(2) and their flags; paths relative to descriptors; O_PATH and O_TMPFILE.
#include "check.h"
#include <linux/openat2.h>

int main(void) {
  check(mkdir("directory", 0700) == 0);
  int directory = open("directory", O_RDONLY | O_DIRECTORY);
  int fd = openat(directory, "file", O_CREAT | O_EXCL | O_RDWR, 0600);
  check(directory >= 0 && fd >= 0);
  check_fails(openat(directory, "file", O_CREAT | O_EXCL, 0600), EEXIST);
  check_fails(open("directory/file", O_DIRECTORY), ENOTDIR);
  check_fails(open("directory", O_WRONLY), EISDIR);
  check(write(fd, "abc", 3) == 3);
  int appending = openat(directory, "file", O_WRONLY | O_APPEND);
  check(write(appending, "def", 3) == 3 && lseek(fd, 0, SEEK_END) == 6);
  int path = open("directory/file", O_PATH);
  char byte;
  check_fails(read(path, &byte, 1), EBADF);
  check(creat("directory/other", 0600) >= 0);
  int temporary = open(".", O_TMPFILE | O_RDWR, 0600);
  check(temporary >= 0 || errno == EOPNOTSUPP);
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  int beneath = (int)syscall(SYS_openat2, directory, "file", &how, sizeof how);
  if (beneath >= 0) check_fails(syscall(SYS_openat2, directory, "../x", &how, sizeof how), EXDEV);
  check(unlinkat(directory, "file", 0) == 0 && unlinkat(directory, "other", 0) == 0);
  check_fails(openat(999, "file", O_RDONLY), EBADF);
  check(unlinkat(AT_FDCWD, "directory", AT_REMOVEDIR) == 0);
  say("descriptors %d %d %d %d", directory, fd, appending, path);
  return succeed();
}
