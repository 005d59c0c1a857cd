// Large memory: 64 MiB written sparsely, copied across fork(2), and huge-page advice.
// checksum: none
#include "check.h"

int main(void) {
  size_t size = 64 << 20;
  char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(area != MAP_FAILED);
  check(madvise(area, size, MADV_HUGEPAGE) == 0 || errno == EINVAL);
  for (size_t i = 0; i < size; i += 65536) area[i] = (char)(i >> 16);
  pid_t child = fork();
  if (child == 0) {
    for (size_t i = 0; i < size; i += 131072) area[i]++;
    _exit(area[131072] == 3 ? 0 : 1);
  }
  expect_exit(child, 0);
  check(area[131072] == 2);
  check(munmap(area + (size >> 1), size >> 1) == 0);
  say("at %p", area);
  return succeed();
}
