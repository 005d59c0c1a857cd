// Signals in the midst of a computation that they change: the result tells where each one came.
// compile: -nostdlib -static -fno-stack-protector -fno-tree-vectorize
// checksum: none
#include "freestanding.h"

static volatile uint64_t state = 1, hits;

static void handler(int signal) {
  state = state * 31 + (uint64_t)signal;
  if (++hits < 5) start_timer(40 << hits);
}

PROGRAM {
  handle_timer(handler);
  start_timer(40);
  uint64_t rounds = 0;
  for (uint64_t i = 0; i < 1500 || (hits < 5 && i < 150000000); i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    if (state >> 63) state ^= i;
    if (state & 4) state += hits;
    rounds++;
    wait_a_bit();
  }
  say_number("state", state);
  say_number("rounds", rounds);
  succeed();
}
