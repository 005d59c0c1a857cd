// MAP_GROWSDOWN: a mapping that grows when the page below it is touched.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *hole = mmap(NULL, 300 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(hole != MAP_FAILED && munmap(hole, 300 * page) == 0);
  char *top = mmap(hole + 290 * page, page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
  check(top == hole + 290 * page);
  top[0] = 1;
  for (int i = 1; i <= 10; i++) top[-i * (long)page + 5] = (char)i;
  check(top[-3 * (long)page + 5] == 3 && top[-3 * (long)page + 6] == 0);
  say("grew from %p", top);
  return succeed();
}
