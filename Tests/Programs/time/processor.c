// cpuid: the same leaves twice, and features in a sensible relation to one another.
#include "check.h"
#include <cpuid.h>

int main(void) {
  unsigned a, b, c, d, e[4] = {0};
  for (unsigned leaf = 0; leaf <= 7; leaf++) {
    if (!__get_cpuid_count(leaf, 0, &a, &b, &c, &d)) continue;
    if (leaf == 1) b &= 0x00ffffff;
    __get_cpuid_count(leaf, 0, &e[0], &e[1], &e[2], &e[3]);
    check(e[0] == a && e[3] == d);
    say("%u: %08x %08x %08x %08x", leaf, a, b, c, d);
  }
  check(__get_cpuid(1, &a, &b, &c, &d) && d & 1 << 26);
  return succeed();
}
