// Signals in long code without a conditional branch, where one tick holds many places: repeated string instructions,
// calls and returns, and a jump through a table.
// compile: -nostdlib -static -fno-stack-protector -fno-tree-vectorize -fno-jump-tables
// checksum: none
#include "freestanding.h"

static volatile uint64_t hits, position;
static uint8_t from[1024], to[1024];

static void handler(int signal) {
  (void)signal;
  if (++hits < 5) start_timer(40 << hits);
  position = position * 31 + to[hits * 97 & 1023] + hits;
}

__attribute__((noinline)) static void mix(uint64_t *value) { *value = *value * 6364136223846793005u + hits; }

__attribute__((noinline)) static void copy(void) {
  void *destination = to;
  const void *source = from;
  uint64_t count = sizeof from;
  __asm__ volatile("rep movsb" : "+D"(destination), "+S"(source), "+c"(count) : : "memory");
}

#define FOUR(statement) statement statement statement statement
PROGRAM {
  uint64_t value = 1;
  for (uint64_t i = 0; i < sizeof from; i++) from[i] = (uint8_t)(i * 7);
  handle_timer(handler);
  start_timer(40);
  uint64_t rounds = 0;
  for (int i = 0; i < 12 || (hits < 5 && i < 30000000); i++) {
    FOUR(FOUR(FOUR(mix(&value);)))
    copy();
    rounds++;
    wait_a_bit();
    from[value & 1023] ^= (uint8_t)hits;
    FOUR(FOUR(FOUR(value ^= value >> 7; value *= 0x9e3779b97f4a7c15u; value += position; wait_a_bit();)))
  }
  say_number("value", value);
  say_number("position", position);
  say_number("rounds", rounds);
  succeed();
}
