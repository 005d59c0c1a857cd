// pkey_alloc(2), where the processor has protection keys; else its error. Either is recorded.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *area = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int key = pkey_alloc(0, 0);
  if (key >= 0) {
    check(pkey_mprotect(area, page, PROT_READ | PROT_WRITE, key) == 0);
    area[0] = 1;
    check(pkey_free(key) == 0);
    say("key %d", key);
  } else {
    say("no protection keys: %s", strerror(errno));
  }
  check(pkey_mprotect(area, page, PROT_READ, -1) == 0);
  return succeed();
}
