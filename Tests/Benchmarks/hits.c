// 100,000 calls of a function, for a breakpoint whose condition is false at all of them.
#include <stdio.h>

int total;

int __attribute__((noinline)) tick(int i) {
  total += i;
  return total;
}

int main(void) {
  int sum = 0;
  for (int i = 0; i < 100000; i++) sum ^= tick(i);
  printf("%d\n", sum);
  return 0;
}
