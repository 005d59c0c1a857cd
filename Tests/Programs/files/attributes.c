// Extended attributes: set, listed, read, removed, by path, by link and by descriptor.
#include "check.h"
#include <sys/xattr.h>

int main(void) {
  make_file("file", "", 0);
  char value[100], names[300];
  if (setxattr("file", "user.one", "value one", 9, 0) != 0) {
    check(errno == EOPNOTSUPP);
    unlink("file");
    say("no extended attributes here");
    return succeed();
  }
  int fd = open("file", O_RDONLY);
  check(fsetxattr(fd, "user.two", "2", 1, XATTR_CREATE) == 0);
  check_fails(fsetxattr(fd, "user.two", "2", 1, XATTR_CREATE), EEXIST);
  check(getxattr("file", "user.one", value, sizeof value) == 9 && memcmp(value, "value one", 9) == 0);
  check(fgetxattr(fd, "user.two", NULL, 0) == 1);
  check_fails(getxattr("file", "user.one", value, 3), ERANGE);
  ssize_t size = flistxattr(fd, names, sizeof names);
  check(size >= 18 && listxattr("file", NULL, 0) == size);
  check(lgetxattr("file", "user.one", value, sizeof value) == 9);
  check(fremovexattr(fd, "user.two") == 0 && removexattr("file", "user.one") == 0);
  check_fails(getxattr("file", "user.one", value, sizeof value), ENODATA);
  unlink("file");
  return succeed();
}
