// mremap(2): grows in place or moves, shrinks, and keeps content.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *area = mmap(NULL, 20 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < 20 * page; i++) area[i] = (char)(i >> 5);
  uint64_t before = digest(area, 10 * page);
  check(munmap(area + 12 * page, 8 * page) == 0);
  check(mremap(area, 12 * page, 10 * page, 0) == area);
  check(mremap(area, 10 * page, 11 * page, 0) == area && area[10 * page] == 0);
  char *blocker = mmap(area + 11 * page, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  check(blocker == area + 11 * page);
  check_fails((long)mremap(area, 11 * page, 30 * page, 0), ENOMEM);
  char *moved = mremap(area, 11 * page, 30 * page, MREMAP_MAYMOVE);
  check(moved != MAP_FAILED && moved != area && digest(moved, 10 * page) == before && moved[29 * page] == 0);
  unsigned char resident;
  check_fails(mincore(area, page, &resident), ENOMEM);
  say("%p to %p", area, moved);
  return succeed();
}
