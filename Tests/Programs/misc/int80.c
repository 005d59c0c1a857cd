// A call of the 32-bit interface (int 0x80), which a kernel may not have: twice, around a call of the 64-bit one.
#include "check.h"

static long call_32(unsigned number) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(0), "c"(0), "d"(0)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

int main(void) {
  const unsigned getpid_32 = 20;
  for (int i = 0; i < 2; i++) {
    long result = call_32(getpid_32);
    check(result == getpid() || (int)result == -ENOSYS);
    say("int 0x80 gives %ld to %d", result, getpid());
  }
  return succeed();
}
