// munmap(2) splits mappings in many places, and of what isn't mapped at all.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *area = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(area, 9, 64 * page);
  for (int i = 1; i < 64; i += 4) check(munmap(area + i * page, 2 * page) == 0);
  uint64_t hash = 0;
  unsigned char resident;
  for (int i = 0; i < 64; i++) {
    bool mapped = mincore(area + i * page, page, &resident) == 0;
    check(mapped == (i % 4 == 0 || i % 4 == 3));
    if (mapped) hash ^= digest(area + i * page, page) + i;
  }
  check(munmap(area, 64 * page) == 0);
  check(munmap(area, 64 * page) == 0);
  check_fails(munmap(area + 1, page), EINVAL);
  say("%016lx", hash);
  return succeed();
}
