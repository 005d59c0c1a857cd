// AVX registers, rounding mode and MXCSR across system calls, forks and thread switches.
#include "check.h"
#include <immintrin.h>

__attribute__((target("avx"))) static void *body(void *argument) {
  double seed = (double)(intptr_t)argument;
  __m256d value = _mm256_set_pd(seed, seed + 1, seed + 2, seed + 3);
  unsigned rounding = (unsigned)(intptr_t)argument % 4 << 13;
  _mm_setcsr((_mm_getcsr() & ~0x6000u) | rounding);
  for (int i = 0; i < 20; i++) {
    value = _mm256_add_pd(value, _mm256_set1_pd(0.5));
    syscall(SYS_sched_yield);
    check((_mm_getcsr() & 0x6000u) == rounding);
  }
  double out[4];
  _mm256_storeu_pd(out, value);
  check(out[0] == seed + 13 && out[3] == seed + 10);
  return NULL;
}

int main(void) {
  if (!__builtin_cpu_supports("avx")) return succeed();
  pthread_t threads[4];
  for (intptr_t i = 0; i < 4; i++) start_thread(&threads[i], body, (void *)(i + 4));
  for (int i = 0; i < 4; i++) join_thread(threads[i]);
  pid_t child = fork();
  if (child == 0) {
    body((void *)9);
    _exit(0);
  }
  expect_exit(child, 0);
  return succeed();
}
