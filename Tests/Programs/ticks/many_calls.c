// System calls close together, and threads that change between them: an interrupt that comes too late for the code
// before a call waits for the call.
// compile: -nostdlib -static -fno-stack-protector -fno-tree-vectorize
// checksum: none
#include "freestanding.h"

PROGRAM {
  uint64_t sum = 0;
  for (int i = 0; i < 200; i++) {
    for (int j = 0; j < i % 13; j++) sum = sum * 31 + (uint64_t)j;
    struct {
      int64_t seconds, nanoseconds;
    } now, rest = {0, 1000};
    if (call(__NR_clock_gettime, 1, (long)&now, 0, 0, 0)) leave(95);
    sum += (uint64_t)now.nanoseconds;
    if (i % 20 == 0 && call(__NR_nanosleep, (long)&rest, 0, 0, 0, 0)) leave(94);
  }
  say_number("sum", sum);
  succeed();
}
