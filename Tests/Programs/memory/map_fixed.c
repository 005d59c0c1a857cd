// MAP_FIXED over parts of other mappings, and MAP_FIXED_NOREPLACE.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *area = mmap(NULL, 10 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(area, 1, 10 * page);
  int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  char *middle = mmap(area + 3 * page, 2 * page, PROT_READ | PROT_WRITE, fixed, -1, 0);
  check(middle == area + 3 * page && middle[0] == 0 && area[3 * page - 1] == 1 && area[5 * page] == 1);
  make_file("file", "from the file", 13);
  int fd = open("file", O_RDONLY);
  char *mapped = mmap(area + 8 * page, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
  check(mapped == area + 8 * page && memcmp(mapped, "from the file", 13) == 0);
  check_fails((long)mmap(area, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  check(munmap(area, page) == 0);
  check(mmap(area, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == area);
  check_fails((long)mmap(area + 1, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
  say("at %p: %016lx", area, digest(area, 10 * page));
  unlink("file");
  return succeed();
}
