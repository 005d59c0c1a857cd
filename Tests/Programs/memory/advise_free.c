// MADV_FREE: afterwards a page holds the old content or zeros, whichever, and a replay sees the same.
// checksum: none
#include "check.h"

int main(void) {
  size_t page = page_size(), count = 200;
  unsigned char *area = mmap(NULL, count * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(area, 8, count * page);
  check(madvise(area, count * page, MADV_FREE) == 0);
  int kept = 0;
  for (size_t i = 0; i < count; i++) {
    check(area[i * page] == 8 || area[i * page] == 0);
    kept += area[i * page] == 8;
  }
  for (size_t i = 0; i < count; i += 2) area[i * page] = 9;
  for (size_t i = 0; i < count; i += 2) check(area[i * page] == 9);
  say("%d pages kept", kept);
  return succeed();
}
