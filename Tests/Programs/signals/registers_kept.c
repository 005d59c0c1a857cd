// General, SSE and AVX registers survive signal handlers and system calls that come in between.
#include "check.h"

static volatile int seen;
static void handler(int signal) {
  (void)signal;
  volatile double value = seen;
  value = value * 1.5 + 2;
  __asm__ volatile("pxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\txor %%r15, %%r15" : : : "xmm7", "xmm15", "r15");
  seen++;
}

int main(void) {
  handle(SIGUSR1, handler, 0);
  pid_t self = getpid();
  for (long i = 0; i < 20; i++) {
    long kept = i * 3, result, xmm7, xmm15, carry;
    __asm__ volatile(
      "movq %[value], %%xmm7\n\tmovq %[value], %%xmm15\n\tmov %[value], %%r15\n\t"
      "stc\n\tsyscall\n\t"
      "setc %%cl\n\tmovzbq %%cl, %[carry]\n\tmovq %%xmm7, %[x7]\n\tmovq %%xmm15, %[x15]\n\tmov %%r15, %[value]"
      : "=a"(result), [value] "+r"(kept), [x7] "=&r"(xmm7), [x15] "=&r"(xmm15), [carry] "=&r"(carry)
      : "0"((long)SYS_kill), "D"((long)self), "S"((long)SIGUSR1)
      : "rcx", "r11", "r15", "xmm7", "xmm15", "memory", "cc");
    check(result == 0 && kept == i * 3 && xmm7 == i * 3 && xmm15 == i * 3 && carry == 1);
  }
  check(seen == 20);
  return succeed();
}
