// A mapping shared across fork(2) is gone from a child that executes something else, and stays with the parent.
#include "check.h"

int main(int argc, char **argv) {
  if (argc > 1) {
    unsigned char resident;
    void *address = (void *)strtoul(argv[1], NULL, 16);
    if (mincore(address, 4096, &resident) == 0) return 2;
    char *here = mmap(address, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return here == address && here[0] == 0 ? 1 : 3;
  }
  char *shared = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  check(shared != MAP_FAILED);
  shared[0] = 'p';
  pid_t child = fork();
  if (child == 0) {
    shared[1] = 'c';
    execl("/proc/self/exe", argv[0], "20000000", NULL);
    _exit(99);
  }
  expect_exit(child, 1);
  check(shared[0] == 'p' && shared[1] == 'c');
  return succeed();
}
