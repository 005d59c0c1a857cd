// mremap(2) with an old size of nothing makes a second mapping of the same shared pages.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *first = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  strcpy(first, "shared");
  char *second = mremap(first, 0, 4 * page, MREMAP_MAYMOVE);
  check(second != MAP_FAILED && second != first && strcmp(second, "shared") == 0);
  strcpy(second + 2 * page, "other way");
  check(strcmp(first + 2 * page, "other way") == 0);
  check(munmap(first, 4 * page) == 0);
  check(strcmp(second + 2 * page, "other way") == 0);
  pid_t child = fork();
  if (child == 0) {
    strcpy(second + page, "from the child");
    _exit(0);
  }
  expect_exit(child, 0);
  check(strcmp(second + page, "from the child") == 0);
  return succeed();
}
