// Code that is written while it is in use: writable all the time, by mprotect(2), next to data, by itself.
#include "emit.h"

enum { RWX = PROT_READ | PROT_WRITE | PROT_EXEC, RX = PROT_READ | PROT_EXEC, RW = PROT_READ | PROT_WRITE };

// A loop that changes an immediate of its own before it is used.
static void writes_itself(void) {
  static const unsigned char code[] = {
      0x31, 0xc0,                                // xor eax, eax
      0xb9, 0x0a, 0x00, 0x00, 0x00,              // mov ecx, 10
      0xfe, 0x05, 0x01, 0x00, 0x00, 0x00,        // again: inc byte [rip + 1], the immediate of the add
      0x83, 0xc0, 0x00,                          // add eax, 0
      0xff, 0xc9,                                // dec ecx
      0x75, 0xf3,                                // jnz again
      0xc3};
  unsigned char *page = (unsigned char *)map_code(4096, RWX);
  memcpy(page, code, sizeof code);
  page[9] = 2;
  // The operand is relative to the end of the inc, at 13: the immediate is at 15.
  check(call(page) == 55);
  page[15] = 100;
  check(call(page) == 10 * 100 + 55);
  check(munmap(page, 4096) == 0);
}

int main(void) {
  char *page = map_code(8192, RWX);
  int sum = 0;
  for (int i = 0; i < 300; i++) {
    emit_value(page, i);
    sum += call(page);
  }
  check(sum == 299 * 300 / 2);
  // Two functions on the page; one changes, the other is called; and one across the page's end.
  emit_value(page + 4096 - 3, 7);
  for (int i = 0; i < 50; i++) {
    emit_value(page + 64, i);
    check(call(page + 4096 - 3) == 7 + i);
    check(call(page + 64) == i);
    // The immediate's second half is on the second page.
    int next = 8 + i;
    memcpy(page + 4096 - 2, &next, 4);
  }
  // Data beside code.
  volatile int *counter = (volatile int *)(page + 2048);
  for (int i = 0; i < 1000; i++) {
    *counter += call(page + 64);
  }
  check(*counter == 49 * 1000);
  // What one thread's stack of protections does: W^X.
  for (int i = 0; i < 30; i++) {
    check(mprotect(page, 4096, RW) == 0);
    emit_value(page, i * 3);
    check(mprotect(page, 4096, RX) == 0);
    check(call(page) == i * 3);
    if (i % 3 == 0) {
      check(mprotect(page, 4096, RWX) == 0);
      emit_value(page, -i);
      check(call(page) == -i);
    }
  }
  // A write that isn't allowed faults although the engine protects pages for itself.
  check(mprotect(page, 8192, RX) == 0);
  pid_t child = fork();
  if (child == 0) {
    emit_value(page, 1);
    _exit(0);
  }
  expect_killed(child, SIGSEGV);
  writes_itself();
  say("sum %d", sum);
  return succeed();
}
