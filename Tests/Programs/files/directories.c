// mkdir, rmdir, chdir, fchdir, getcwd, and reading directories in pieces with getdents64(2), rewinding and seeking.
#include "check.h"
#include <dirent.h>

int main(void) {
  char path[PATH_MAX], again[PATH_MAX];
  check(getcwd(path, sizeof path));
  check(mkdir("deep", 0755) == 0 && mkdir("deep/er", 0755) == 0);
  for (int i = 0; i < 100; i++) {
    char name[40];
    sprintf(name, "deep/file-with-number-%d", i);
    make_file(name, "", 0);
  }
  int start = open(".", O_RDONLY | O_DIRECTORY);
  check(chdir("deep") == 0);
  DIR *stream = opendir(".");
  int count = 0;
  struct dirent *entry;
  uint64_t hash = 0;
  long middle = 0;
  while ((entry = readdir(stream))) {
    hash = hash * 31 + entry->d_ino + digest(entry->d_name, strlen(entry->d_name));
    if (++count == 50) middle = telldir(stream);
  }
  check(count == 103);
  seekdir(stream, middle);
  for (count = 0; readdir(stream); count++) {}
  check(count == 53);
  closedir(stream);
  char buffer[200];
  int fd = open(".", O_RDONLY), pieces = 0;
  while (syscall(SYS_getdents64, fd, buffer, sizeof buffer) > 0) pieces++;
  check(pieces > 10);
  check_fails(rmdir("../deep"), ENOTEMPTY);
  check(fchdir(start) == 0 && getcwd(again, sizeof again) && strcmp(path, again) == 0);
  check_fails(syscall(SYS_getcwd, again, 1), ERANGE);
  check(system("rm -r deep") == 0);
  say("%s: %d pieces %016lx", path, pieces, hash);
  return succeed();
}
