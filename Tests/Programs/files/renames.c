// rename(2), renameat(2), renameat2(2) with RENAME_NOREPLACE and RENAME_EXCHANGE; unlink of what is open.
#include "check.h"

static bool holds(const char *name, char expected) {
  char byte = 0;
  int fd = open(name, O_RDONLY);
  bool result = fd >= 0 && read(fd, &byte, 1) == 1 && byte == expected;
  close(fd);
  return result;
}

int main(void) {
  make_file("a", "A", 1);
  make_file("b", "B", 1);
  check(rename("a", "c") == 0 && holds("c", 'A'));
  check_fails(rename("a", "d"), ENOENT);
  int result = renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE);
  check(result == -1 && (errno == EEXIST || errno == EINVAL));
  if (renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE) == 0) check(holds("b", 'A') && holds("c", 'B'));
  check(mkdir("e", 0700) == 0 && renameat(AT_FDCWD, "b", AT_FDCWD, "e/b") == 0);
  check_fails(rename("e", "e/b"), EINVAL);
  check(rename("e/b", "c") == 0);
  check(unlink("c") == 0 && rmdir("e") == 0);
  check_fails(unlink("c"), ENOENT);
  return succeed();
}
