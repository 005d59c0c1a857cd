// The main stack grows by deep recursion and by one large array.
// checksum: 20
#include "check.h"
#include <alloca.h>

__attribute__((noinline)) static long recurse(int depth, char *above) {
  char block[2000];
  memset(block, depth, sizeof block);
  if (depth == 0) return above - block;
  long result = recurse(depth - 1, above);
  __asm__ volatile("" : : "r"(block) : "memory");
  return result + block[5] - block[5];
}

__attribute__((noinline)) static uint64_t large(size_t size) {
  char *block = alloca(size);
  for (size_t i = 0; i < size; i += 4096) block[i] = (char)(i >> 12);
  return digest(block, 4097);
}

int main(void) {
  char here;
  long used = recurse(1000, &here);
  check(used > 2000000);
  say("used %ld at %p: %016lx", used, &here, large(3000000));
  pid_t child = fork();
  if (child == 0) {
    check(recurse(1500, &here) > 3000000);
    _exit(0);
  }
  expect_exit(child, 0);
  return succeed();
}
