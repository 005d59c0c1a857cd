// Computes for a while without a system call; the first argument says how long, in millions of rounds.
// compile: -O1
// checksum: none
#include "check.h"

static uint64_t state = 1;

__attribute__((noinline)) void early(void) { state ^= 2; }
__attribute__((noinline)) void middle(void) { state ^= 4; }
__attribute__((noinline)) void late(void) { state ^= 8; }

__attribute__((noinline)) static void rounds(long count) {
  for (long i = 0; i < count; i++) state = state * 6364136223846793005u + 1442695040888963407u + (state >> 60);
}

int main(int count, char **arguments) {
  long millions = count > 1 ? atol(arguments[1]) : 2;
  rounds(millions * 50000);
  early();
  rounds(millions * 450000);
  middle();
  rounds(millions * 500000);
  late();
  say("%lu", (unsigned long)state);
  return succeed();
}
