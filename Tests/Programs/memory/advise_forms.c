// madvise(2): DONTNEED zeroes private memory and rereads files, WIPEONFORK and DONTFORK matter to a child.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *area = mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(area, 5, 6 * page);
  check(madvise(area + page, 2 * page, MADV_DONTNEED) == 0);
  check(area[0] == 5 && area[page] == 0 && area[3 * page - 1] == 0 && area[3 * page] == 5);
  make_file("file", "file content", 12);
  int fd = open("file", O_RDWR);
  char *mapped = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  strcpy(mapped, "private");
  check(madvise(mapped, page, MADV_DONTNEED) == 0 && memcmp(mapped, "file content", 12) == 0);
  check(madvise(area + 4 * page, page, MADV_WIPEONFORK) == 0);
  check(madvise(area + 5 * page, page, MADV_DONTFORK) == 0);
  pid_t child = fork();
  if (child == 0) {
    unsigned char resident;
    check(area[3 * page] == 5 && area[4 * page] == 0);
    check_fails(mincore(area + 5 * page, page, &resident), ENOMEM);
    _exit(0);
  }
  expect_exit(child, 0);
  check(area[4 * page] == 5 && area[5 * page] == 5);
  check_fails(madvise(area, page, 12345), EINVAL);
  check(madvise(area, page, MADV_WILLNEED) == 0 && madvise(area, page, MADV_NOHUGEPAGE) >= -1);
  unlink("file");
  return succeed();
}
