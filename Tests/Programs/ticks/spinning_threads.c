// Threads without a lock, that wait for each other without a system call: only a preemption lets another one run, and
// the result tells where each one came.
// compile: -nostdlib -static -fno-stack-protector -fno-tree-vectorize
// checksum: none
#include "freestanding.h"

enum { THREADS = 3, ROUNDS = 400 };
static volatile uint64_t shared = 1;
static volatile int ended;
static char stacks[THREADS][4096] __attribute__((aligned(16)));

__attribute__((noreturn)) static void work(uint64_t number) {
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t value = shared;
    if (value & 1) value += number;
    shared = value * 31 + number;
  }
  __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
  for (;;) call(__NR_exit, 0, 0, 0, 0, 0);
}

/// The new thread takes its argument and its body from its stack.
__attribute__((naked)) static long start(long flags, void *stack) {
  __asm__(
      "xor %%edx, %%edx; xor %%r10d, %%r10d; xor %%r8d, %%r8d; mov %0, %%eax; syscall;"
      "test %%eax, %%eax; jz 1f; ret; 1: pop %%rdi; ret"
      :
      : "i"(__NR_clone));
}

PROGRAM {
  long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  for (int i = 0; i < THREADS; i++) {
    uint64_t *top = (uint64_t *)(stacks[i] + sizeof stacks[i]) - 3;
    top[0] = (uint64_t)i + 1;
    top[1] = (uint64_t)work;
    if (start(flags, top) < 0) leave(96);
  }
  uint64_t turns = 0;
  while (ended < THREADS) turns++;
  say_number("shared", shared);
  say_number("turns", turns);
  succeed();
}
