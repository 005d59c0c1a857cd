// `syscall` in odd places: at a page's end, as a branch's target, twice in a row, with prefixes, written a moment ago.
#include "emit.h"

static long calls(const void *code, long number, long a, long b) {
  long result, rcx, r11;
  __asm__ volatile("call *%3" : "=a"(result), "=&c"(rcx), "=&r"(r11) : "r"(code), "a"(number), "D"(a), "S"(b)
                   : "rdx", "r11", "memory", "cc");
  (void)r11;
  say("rcx is %s", rcx == 0 ? "0" : "a return address");
  return result;
}

int main(void) {
  char *area = map_code(8192, PROT_READ | PROT_WRITE | PROT_EXEC);
  pid_t self = getpid();
  // At the end of a page.
  memcpy(area + 4094, "\x0f\x05\xc3", 3);
  check(calls(area + 4094, SYS_getpid, 0, 0) == self);
  // Across it, again and again.
  for (int i = 0; i < 3; i++) {
    memcpy(area + 4095, "\x0f\x05\xc3", 3);
    check(calls(area + 4095, SYS_getpid, 0, 0) == self);
  }
  // With prefixes: operand size, REX, repeat.
  memcpy(area, "\x66\x48\x0f\x05\xc3", 5);
  check(calls(area, SYS_getpid, 0, 0) == self);
  memcpy(area, "\xf3\x0f\x05\xc3", 4);
  check(calls(area, SYS_getpid, 0, 0) == self);
  // Two in a row: the second's number is the first's result.
  check(syscall(SYS_dup2, 1, SYS_getpid) == SYS_getpid);
  memcpy(area, "\x0f\x05\x0f\x05\xc3", 5);
  check(calls(area, SYS_dup2, 1, SYS_getpid) == self);
  // In a loop of its own: mov ebx, 100; again: mov eax, getppid; syscall; dec ebx; jnz again; ret
  memcpy(area, "\x53\xbb\x64\x00\x00\x00\xb8\x6e\x00\x00\x00\x0f\x05\xff\xcb\x75\xf5\x5b\xc3", 19);
  check(calls(area, 0, 0, 0) == getppid());
  // rcx and r11 after the call: the address behind it, and the flags.
  uint64_t rcx, r11, flags, here;
  __asm__ volatile("lea 1f(%%rip), %2; stc; pushfq; pop %3; syscall; 1: mov %%rcx, %0; mov %%r11, %1"
                   : "=&r"(rcx), "=&r"(r11), "=&r"(here), "=&r"(flags) : "a"(SYS_getpid) : "rcx", "r11", "memory", "cc");
  check(rcx == here);
  check((r11 & 0xcd5) == (flags & 0xcd5) && (r11 & 1));
  // An errno, and the carry flag and all registers kept.
  long result;
  char kept;
  register uint64_t r12 __asm__("r12") = 0x1212, r15 __asm__("r15") = 0x1515;
  __asm__ volatile("stc; syscall; setc %1" : "=a"(result), "=r"(kept), "+r"(r12), "+r"(r15)
                   : "a"(SYS_close), "D"(-1) : "rcx", "r11", "memory", "cc");
  check(result == -EBADF && kept == 1 && r12 == 0x1212 && r15 == 0x1515);
  // A call whose number is no call's.
  memcpy(area + 4094, "\x0f\x05\xc3", 3);
  check(calls(area + 4094, 100000, 0, 0) == -ENOSYS);
  check(calls(area + 4094, -1, 0, 0) == -ENOSYS);
  return succeed();
}
