// brk(2): the heap's end moves up and down; pages come back zeroed.
#include "check.h"

int main(void) {
  char *start = sbrk(0);
  check(sbrk(100000) == start);
  memset(start, 0xaa, 100000);
  check(sbrk(-65536) != (void *)-1);
  check(sbrk(65536) != (void *)-1);
  check(start[99999] == 0 && start[10] == (char)0xaa);
  char *raw = (char *)syscall(SYS_brk, 0);
  check((char *)syscall(SYS_brk, raw + 8192) == raw + 8192);
  raw[8191] = 1;
  check((char *)syscall(SYS_brk, 1) == raw + 8192);
  check((char *)syscall(SYS_brk, raw) == raw);
  say("heap at %p", (void *)start);
  return succeed();
}
