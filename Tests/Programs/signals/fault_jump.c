// Faults left by siglongjmp(3), many times over, in several threads.
#include "check.h"
#include <setjmp.h>

static __thread sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

static void *body(void *argument) {
  volatile int caught = 0;
  for (volatile int i = 0; i < 30; i++) {
    int signal = sigsetjmp(back, 1);
    if (signal == 0) {
      if (i % 3 == 0) *(volatile int *)8 = 1;
      if (i % 3 == 1) __asm__ volatile("ud2");
      if (i % 3 == 2) __asm__ volatile("xor %%ecx, %%ecx\n\tidiv %%ecx" : : : "rax", "rcx", "rdx", "cc");
    }
    caught += signal;
  }
  check(caught == 10 * (SIGSEGV + SIGILL + SIGFPE));
  return argument;
}

int main(void) {
  handle(SIGSEGV, handler, 0);
  handle(SIGILL, handler, 0);
  handle(SIGFPE, handler, 0);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) start_thread(&threads[i], body, NULL);
  body(NULL);
  for (int i = 0; i < 3; i++) join_thread(threads[i]);
  return succeed();
}
