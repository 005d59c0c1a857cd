// A shared file mapping: writes reach the file, another mapping and another process.
#include "check.h"

int main(void) {
  size_t page = page_size();
  make_file("file", "", 0);
  int fd = open("file", O_RDWR);
  check(ftruncate(fd, 4 * page) == 0);
  char *one = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *two = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
  check(one != MAP_FAILED && two != MAP_FAILED);
  strcpy(one + page, "written through memory");
  check(strcmp(two, "written through memory") == 0);
  char text[64] = {0};
  check(pread(fd, text, sizeof text, page) == sizeof text && strcmp(text, one + page) == 0);
  pid_t child = fork();
  if (child == 0) {
    sprintf(one + 2 * page, "child %d", getpid());
    int own = open("file", O_RDWR);
    char *third = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
    check(third != MAP_FAILED && strcmp(third + page, "written through memory") == 0);
    third[3 * page] = 'z';
    _exit(0);
  }
  expect_exit(child, 0);
  check(one[3 * page] == 'z' && atoi(one + 2 * page + 6) == child);
  check(msync(one, 4 * page, MS_SYNC) == 0);
  say("%s", one + 2 * page);
  unlink("file");
  return succeed();
}
