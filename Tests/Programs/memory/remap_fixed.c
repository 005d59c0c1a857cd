// mremap(2) with MREMAP_FIXED over another mapping, MREMAP_DONTUNMAP, and of a middle part.
#include "check.h"
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

int main(void) {
  size_t page = page_size();
  char *source = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *target = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(source, 's', 8 * page);
  memset(target, 't', 8 * page);
  check(mremap(source + 2 * page, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, target + page) == target + page);
  check(target[page] == 's' && target[3 * page - 1] == 's' && target[3 * page] == 't' && target[0] == 't');
  unsigned char resident[2];
  check_fails(mincore(source + 2 * page, 2 * page, resident), ENOMEM);
  char *copy = mremap(target, 8 * page, 8 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  if (copy != MAP_FAILED) check(copy[page] == 's' && target[page] == 0);
  check_fails((long)mremap(target, page, page, MREMAP_FIXED, source), EINVAL);
  check_fails((long)mremap((void *)page, page, 2 * page, MREMAP_MAYMOVE), EFAULT);
  say("%p %p", source, target);
  return succeed();
}
