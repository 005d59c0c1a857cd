// COUNT stretches of computation, of N rounds each, with a call of phase() before each: Scripts/bench-debug goes back
// and forth between them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

volatile int marker;
static uint64_t state = 88172645463325252ull;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

void __attribute__((noinline)) phase(int number) { marker = number; }

uint64_t __attribute__((noinline)) work(uint64_t rounds) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    if (next() & 1) sum += i;
    else sum ^= state;
  }
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  int count = atoi(argv[1]);
  for (int i = 0; i < count; i++) {
    phase(i);
    printf("%d %lu\n", i, work(strtoull(argv[2], NULL, 10)));
    fflush(stdout);
  }
  phase(count);
  return 0;
}
