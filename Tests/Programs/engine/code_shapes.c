// Code in odd shapes: overlapping instructions, across pages, up to the end of mapped memory, jumps into the middle.
#include "emit.h"

#include <setjmp.h>

static sigjmp_buf after;
static siginfo_t info;
static volatile uint64_t place;

static void handler(int signal, siginfo_t *given, void *context) {
  info = *given;
  place = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  siglongjmp(after, signal);
}

#define expect_fault(code, at, address)               \
  do {                                                \
    int signal = sigsetjmp(after, 1);                 \
    if (signal == 0) {                                \
      call(code);                                     \
      check(!"no fault");                             \
    }                                                 \
    check(signal == SIGSEGV);                         \
    check(place == (uint64_t)(at));                   \
    check((uint64_t)info.si_addr == (uint64_t)(address)); \
  } while (0)

int main(void) {
  enum { RWX = PROT_READ | PROT_WRITE | PROT_EXEC };
  handle_info(SIGSEGV, handler, 0);
  char *area = map_code(3 * 4096, RWX);
  check(munmap(area + 8192, 4096) == 0);
  char *end = area + 8192;
  // A run of code that ends where memory does.
  memset(end - 64, 0x90, 64);
  for (int i = 0; i < 3; i++) expect_fault(end - 10, end, end);
  // An instruction whose last bytes are missing: the fault's address is the missing byte's.
  end[-3] = (char)0xb8;
  for (int i = 0; i < 3; i++) expect_fault(end - 10, end - 3, end);
  // A branch over the hole is never taken, one into it is.
  memcpy(end - 20, "\x31\xc0\x75\x7e\xb8\x09\x00\x00\x00\xc3", 10);
  check(call(end - 20) == 9);
  end[-18] = 0x74;
  for (int i = 0; i < 3; i++) expect_fault(end - 20, end - 16 + 0x7e, end - 16 + 0x7e);
  // The missing page comes later, and goes again.
  memset(end - 64, 0x90, 64);
  for (int i = 0; i < 5; i++) {
    expect_fault(end - 10, end, end);
    check(mmap(end, 4096, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == end);
    emit_value(end, 40 + i);
    check(call(end - 10) == 40 + i);
    check(mprotect(end, 4096, PROT_READ | PROT_WRITE) == 0);
    expect_fault(end - 10, end, end);
    check(munmap(end, 4096) == 0);
  }
  // Overlapping: the same bytes are `mov eax, 0xc3000000 | ...` from the start, and others from within.
  static const unsigned char overlapping[] = {
      0xb8, 0xb0, 0x2a, 0xc3, 0x90,  // mov eax, 0x90c32ab0; from the second byte: mov al, 42; ret
      0xc3};
  memcpy(area, overlapping, sizeof overlapping);
  for (int i = 0; i < 3; i++) {
    check(call(area) == (int)0x90c32ab0);
    check((call(area + 1) & 0xff) == 42);
  }
  // A jump into its own middle: eb ff = jmp .+1, and ff c0 = inc eax.
  memcpy(area + 256, "\x31\xc0\xeb\xff\xc0\xc3", 6);
  check(call(area + 256) == 1);
  // Prefixes that are jumped over: 1: jnz 2f+1; 2: lock/rep …
  static const unsigned char skips[] = {
      0x31, 0xc9,              // xor ecx, ecx
      0xb8, 5, 0, 0, 0,        // mov eax, 5
      0xff, 0xc9,              // again: dec ecx
      0xe3, 0x05,              // jrcxz out
      0x74, 0x01,              // jz +1
      0xf0, 0x90,              // lock nop, or nop
      0xc3};                   // ret
  memcpy(area + 512, skips, sizeof skips);
  area[512 + 11] = 0x75;
  check(call(area + 512) == 5);
  // Straddling: a 10-byte move over the page boundary, one page rewritten.
  for (int i = 1; i < 10; i++) {
    unsigned char *code = (unsigned char *)area + 4096 - i;
    uint64_t value = 0x1122334455667788u;
    code[0] = 0x48;
    code[1] = 0xb8;
    memcpy(code + 2, &value, 8);
    code[10] = 0xc3;
    check(((uint64_t(*)(void))(uintptr_t)code)() == value);
    area[4096 - i + 9] ^= 0x55;
    check(((uint64_t(*)(void))(uintptr_t)code)() == (value ^ 0x5500000000000000u));
  }
  // An endless chain of jumps backward through two pages.
  unsigned char *chain = (unsigned char *)area;
  memset(chain, 0xcc, 8192);
  for (int i = 1; i < 1000; i++) {
    chain[i * 8] = 0xff;
    chain[i * 8 + 1] = 0xc0;
    chain[i * 8 + 2] = 0xeb;
    chain[i * 8 + 3] = (unsigned char)(-8 - 4);
  }
  memcpy(chain, "\xc3", 1);
  chain[8 * 1000] = 0x31;
  chain[8 * 1000 + 1] = 0xc0;
  chain[8 * 1000 + 2] = 0xeb;
  chain[8 * 1000 + 3] = (unsigned char)(-8 - 4);
  check(call(chain + 8000) == 999);
  return succeed();
}
