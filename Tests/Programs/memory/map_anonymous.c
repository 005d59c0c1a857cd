// mmap(2) anonymous, with its flags, wrong arguments, and more than fits.
// checksum: none
#include "check.h"

static void *map(size_t size, int protection, int flags) {
  return mmap(NULL, size, protection, MAP_ANONYMOUS | flags, -1, 0);
}

int main(void) {
  char *plain = map(40960, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  check(plain != MAP_FAILED && plain[40959] == 0);
  memset(plain, 7, 40960);
  char *populated = map(65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
  check(populated != MAP_FAILED && populated[65535] == 0);
  char *low = map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_32BIT);
  check(low != MAP_FAILED && (uintptr_t)low < 0x80000000u);
  char *lazy = map((size_t)1 << 36, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
  check(lazy != MAP_FAILED);
  lazy[(size_t)1 << 35] = 1;
  char *none = map(4096, PROT_NONE, MAP_PRIVATE);
  check(none != MAP_FAILED);
  check_fails((long)map(0, PROT_READ, MAP_PRIVATE), EINVAL);
  check_fails((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
  check_fails((long)map((size_t)1 << 60, PROT_READ, MAP_PRIVATE), ENOMEM);
  say("%p %p %p %p %p", plain, populated, low, lazy, none);
  return succeed();
}
