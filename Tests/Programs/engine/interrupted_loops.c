// Loops without system calls, which a timer's signal or another thread's must interrupt: flags and registers stay right.
#include "../check.h"

static volatile int alarms, enough;

static void handler(int signal) {
  alarms += signal == SIGALRM;
  enough = alarms >= 20;
}

// Counts with live flags over back edges, calls and returns, until `enough`.
__attribute__((noinline)) static uint64_t spin_with_flags(uint64_t *rounds) {
  uint64_t low = 0, high = 0;
  // At least once: on a slow machine all signals may come before.
  do {
    for (int i = 0; i < 1000; i++) {
      __asm__("add %2, %0\n adc $0, %1\n" : "+r"(low), "+r"(high) : "r"(0x1000000000000001u) : "cc");
      __asm__ volatile("stc\n mov $3, %%ecx\n 1: adc $0, %0\n dec %%ecx\n jnz 1b" : "+r"(high) : : "rcx", "cc");
      ++*rounds;
    }
  } while (!enough);
  check(low == *rounds * 0x1000000000000001u);
  return high;
}

__attribute__((noinline)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int main(void) {
  handle(SIGALRM, handler, SA_RESTART);
  struct itimerval timer = {{0, 3000}, {0, 3000}};
  check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  uint64_t rounds = 0, high = spin_with_flags(&rounds);
  // The carry of every 16th addition, and one carry more from each inner loop.
  uint64_t carries = (uint64_t)(((unsigned __int128)rounds * 0x1000000000000001u) >> 64);
  check(high >= carries && (high - carries) % rounds == 0);
  alarms = enough = 0;
  unsigned results = 0, calls = 0;
  for (; !enough; calls++) results += fib(10);
  check(results == calls * 55);
  alarms = enough = 0;
  char text[4096], copy[4096];
  memset(text, 'x', sizeof text);
  for (unsigned i = 0; !enough; i++) {
    text[i % 4096] = (char)i;
    char *from = text, *to = copy;
    size_t count = sizeof text;
    __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
    check(count == 0 && memcmp(text, copy, sizeof text) == 0);
  }
  say("%lu rounds, %u calls", (long)rounds, calls);
  return succeed();
}
