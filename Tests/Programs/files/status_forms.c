// stat(2), lstat(2), fstat(2), newfstatat(2) and statx(2): device and inode numbers, sizes and times.
#include "check.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>

static void show(const char *what, const struct stat *state) {
  say("%s: device %lx inode %lu mode %o links %lu size %ld blocks %ld at %ld.%09ld", what, state->st_dev, state->st_ino,
      state->st_mode, state->st_nlink, state->st_size, state->st_blocks, state->st_mtim.tv_sec, state->st_mtim.tv_nsec);
}

int main(void) {
  make_file("file", "twelve bytes", 12);
  check(symlink("file", "link") == 0);
  struct stat one, two;
  struct statx extended;
  check(stat("link", &one) == 0 && lstat("link", &two) == 0 && one.st_ino != two.st_ino && S_ISLNK(two.st_mode));
  show("file", &one);
  show("link", &two);
  int fd = open("file", O_RDONLY);
  check(fstat(fd, &two) == 0 && two.st_ino == one.st_ino);
  check(fstatat(fd, "", &two, AT_EMPTY_PATH) == 0 && two.st_ino == one.st_ino);
  check(fstatat(AT_FDCWD, "link", &two, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(two.st_mode));
  check(statx(AT_FDCWD, "file", 0, STATX_ALL, &extended) == 0 && extended.stx_ino == one.st_ino);
  say("born %lld.%09u", (long long)extended.stx_btime.tv_sec, extended.stx_btime.tv_nsec);
  const char *paths[] = {"/", "/proc", "/dev/null", "/bin/sh"};
  for (int i = 0; i < 4; i++) {
    check(stat(paths[i], &one) == 0);
    show(paths[i], &one);
  }
  struct statfs system;
  struct statvfs virtual;
  check(statfs("/", &system) == 0 && fstatfs(fd, &system) == 0 && statvfs("/", &virtual) == 0);
  say("type %lx, free %lu", system.f_type, system.f_bfree);
  unlink("link");
  unlink("file");
  return succeed();
}
