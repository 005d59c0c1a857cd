// A tight integer loop: four instructions and a short branch back.
#include <stdio.h>
int main(void) {
  unsigned long sum = 1;
  for (long i = 0; i < 800000000; i++) sum = sum * 3 + i;
  return printf("%lu\n", sum) < 0;
}
