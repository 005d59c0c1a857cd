// An integer loop whose branch back is too far for the short form.
#include <stdio.h>
#define ROUND(k) x ^= x << 13; x ^= x >> 7; x ^= x << 17; sum += x * k; sum ^= sum >> 3; sum += (x >> 2) + i * k;
int main(void) {
  unsigned long sum = 1, x = 88172645463325252UL;
  for (long i = 0; i < 40000000; i++) {
    ROUND(3) ROUND(5) ROUND(7) ROUND(11)
  }
  return printf("%lu\n", sum) < 0;
}
