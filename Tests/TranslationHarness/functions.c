// Real functions for the translation harness: each takes a number and a buffer of 64 KiB, and returns a number. What
// they return and write is compared between a native and a translated run.
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdu;
  return x ^ x >> 29;
}

__attribute__((noinline)) uint64_t fib(uint64_t n, void *buffer) {
  return n < 2 ? n : fib(n - 1, buffer) + fib(n - 2, buffer);
}

uint64_t tight_loop(uint64_t n, void *buffer) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    sum += i;
    __asm__ volatile("" : "+r"(sum));
  }
  return sum;
}

// The condition at the end is far from the beginning.
uint64_t wide_loop(uint64_t n, void *buffer) {
  uint64_t a = 1, b = 2, c = 3, d = 4;
  for (uint64_t i = 0; i < n; i++) {
#define ROUND a = a * 5 + b; b ^= c >> 3; c += d; d = d << 1 | a >> 63;
    ROUND ROUND ROUND ROUND ROUND ROUND ROUND ROUND
  }
  return a ^ b ^ c ^ d;
}

uint64_t nested_loops(uint64_t n, void *buffer) {
  uint32_t *cells = buffer;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < n; i++)
    for (uint64_t j = 0; j < 64; j++) {
      if (cells[(i + j) & 1023] & 1) sum += i ^ j;
      else cells[j] += (uint32_t)sum;
    }
  return sum;
}

static int compare_words(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

// Small enough that the library sorts on the stack.
uint64_t sort(uint64_t n, void *buffer) {
  uint32_t *words = buffer;
  uint64_t sum = 0;
  for (uint64_t round = 0; round < n; round++) {
    for (int i = 0; i < 200; i++) words[i] = (uint32_t)mix(round * 200 + i);
    qsort(words, 200, 4, compare_words);
    sum += words[round % 200];
  }
  return sum;
}

uint64_t strings(uint64_t n, void *buffer) {
  char *text = buffer;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    size_t length = mix(i) % 700;
    memset(text, 'a' + (int)(i % 20), length);
    text[length] = 0;
    memcpy(text + 2000 + i % 64, text, length + 1);
    memmove(text + 2010, text + 2000, length);
    sum += strlen(text + 2000 + i % 64) + (uint64_t)(memcmp(text, text + 2000, length) > 0);
    char *found = strchr(text, 'z');
    sum += found ? 1 : 0;
    found = strstr(text + 2010, "ab");
    sum += found ? (uint64_t)(found - text) : 7;
  }
  return sum;
}

uint64_t formatting(uint64_t n, void *buffer) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    int length = snprintf(buffer, 500, "%llu %-10d|%08x %s %c %5.3f", (unsigned long long)mix(i), (int)i, (int)mix(i), "text", 'x',
                          (double)i / 7);
    sum += (uint64_t)length + strtoull(buffer, NULL, 10);
  }
  return sum;
}

// An interpreter: a jump table.
uint64_t interpreter(uint64_t n, void *buffer) {
  uint64_t a = 1, b = 0, pc = 0;
  static const uint8_t program[] = {0, 3, 1, 5, 2, 7, 4, 6, 3, 1, 0, 2, 8, 9, 10, 11};
  for (uint64_t i = 0; i < n; i++) {
    switch (program[pc++ & 15]) {
    case 0: a += b; break;
    case 1: b = a ^ i; break;
    case 2: a = a << 3 | a >> 61; break;
    case 3: b -= 7; break;
    case 4: a *= 3; break;
    case 5: b += pc; break;
    case 6: if (a & 1) pc++; break;
    case 7: a ^= b >> 5; break;
    case 8: b = ~b; break;
    case 9: a -= i; break;
    case 10: b = a * b; break;
    default: a ^= 0x55; break;
    }
  }
  return a ^ b;
}

static uint64_t add(uint64_t a, uint64_t b) { return a + b; }
static uint64_t exclusive_or(uint64_t a, uint64_t b) { return a ^ b; }
static uint64_t rotate(uint64_t a, uint64_t b) { return a << (b & 63) | a >> (-b & 63); }
static uint64_t (*volatile const operations[])(uint64_t, uint64_t) = {add, exclusive_or, rotate, add};

uint64_t function_pointers(uint64_t n, void *buffer) {
  uint64_t a = 1;
  for (uint64_t i = 0; i < n; i++) a = operations[i & 3](a, mix(i));
  return a;
}

uint64_t floating(uint64_t n, void *buffer) {
  double *values = buffer, sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    values[i & 511] = values[(i * 7) & 511] * 0.5 + (double)i;
    sum += values[i & 511] > 1000 ? 1 / (values[i & 511] + 1) : values[i & 511];
  }
  long double wide = (long double)sum;
  for (int i = 0; i < 20; i++) wide = wide * 1.5L - 3;
  return (uint64_t)(sum * 16) ^ (uint64_t)(int64_t)wide;
}

static jmp_buf target;

__attribute__((noinline)) static void thrower(uint64_t depth) {
  if (depth == 0) longjmp(target, 5);
  thrower(depth - 1);
  __asm__ volatile("");
}

uint64_t long_jumps(uint64_t n, void *buffer) {
  volatile uint64_t sum = 0;
  for (volatile uint64_t i = 0; i < n; i++) {
    int value = setjmp(target);
    if (value == 0) thrower(i & 15);
    sum += (uint64_t)value + i;
  }
  return sum;
}

// Carry flags that live over branches and calls, as in code written by hand.
uint64_t carries(uint64_t n, void *buffer) {
  uint64_t low = 1, high = 0, count = n;
  __asm__ volatile(
      "jmp 3f\n"
      "1: adc $0, %1\n"
      "rcl $1, %0\n"
      "ret\n"
      "2: stc\n"
      "call 1b\n"
      "adc %0, %1\n"
      "lea -1(%2), %2\n"
      "3: lea -1(%2), %2\n"
      "test %2, %2\n"
      "jg 2b\n"
      : "+r"(low), "+r"(high), "+r"(count)
      :
      : "cc", "memory");
  return low ^ high;
}
