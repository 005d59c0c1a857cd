// Instructions that few compilers write: jrcxz, loop, enter, xlat, pops to memory, calls through the stack, far returns.
#include "../check.h"

static uint64_t data[8];
static unsigned char table[256];

#define RUN(result, ...) __asm__ volatile(__VA_ARGS__ : "=a"(result) : "D"(data), "S"(table) \
  : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc")

static void counters(void) {
  long result;
  RUN(result, "xor %%eax, %%eax; mov $10, %%ecx; 1: add $3, %%eax; loop 1b");
  check(result == 30);
  RUN(result, "xor %%eax, %%eax; mov $10, %%ecx; 1: inc %%eax; cmp $4, %%eax; loopne 1b; shl $8, %%eax; mov %%cl, %%al");
  check(result == 0x406);
  RUN(result, "xor %%eax, %%eax; mov $10, %%ecx; 1: inc %%eax; cmp %%eax, %%eax; loope 1b");
  check(result == 10);
  RUN(result, "mov $1, %%eax; xor %%ecx, %%ecx; jrcxz 1f; mov $2, %%eax; 1:");
  check(result == 1);
  RUN(result, "mov $1, %%eax; movabs $0x100000000, %%rcx; jecxz 1f; mov $2, %%eax; 1:");
  check(result == 1);
  RUN(result, "mov $1, %%eax; movabs $0x100000000, %%rcx; jrcxz 1f; mov $2, %%eax; 1:");
  check(result == 2);
  // loop with a 32-bit counter: the upper half is cleared.
  RUN(result, "xor %%eax, %%eax; movabs $0x700000002, %%rcx; 1: inc %%eax; addr32 loop 1b; add %%rcx, %%rax");
  check(result == 2);
  // Flags live through loop and jrcxz.
  RUN(result, "mov $3, %%ecx; stc; 1: loop 1b; sbb %%rax, %%rax");
  check(result == -1);
  // Backward jrcxz.
  RUN(result, "xor %%eax, %%eax; mov $5, %%ebx; jmp 2f; 1: inc %%eax; 2: xor %%ecx, %%ecx; dec %%ebx; jz 3f; jrcxz 1b; 3:");
  check(result == 4);
}

static void stacks(void) {
  long result;
  RUN(result, "mov %%rsp, %%rbx; lea -128(%%rsp), %%rsp; push %%rbp; enter $32, $0; lea 32(%%rsp), %%rax; cmp %%rbp, %%rax;"
              " sete %%al; movzx %%al, %%eax; leave; pop %%rbp; mov %%rbx, %%rsp");
  check(result == 1);
  RUN(result, "mov %%rsp, %%rbx; lea -128(%%rsp), %%rsp; push %%rbp; mov %%rsp, %%rbp; enter $16, $2; mov %%rbp, %%rax;"
              " sub %%rsp, %%rax; mov -8(%%rbp), %%rcx; leave; pop %%rbp; mov %%rbx, %%rsp");
  check(result == 32);
  data[0] = 11, data[1] = 22;
  RUN(result, "mov %%rsp, %%rbx; lea -128(%%rsp), %%rsp; pushq (%%rdi); pushq 8(%%rdi); popq (%%rdi); popq 8(%%rdi);"
              " push %%rsp; pop %%rax; sub %%rsp, %%rax; mov %%rbx, %%rsp");
  check(result == 0 && data[0] == 22 && data[1] == 11);
  // pop [rsp+8]: the address is that after the pop.
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; movq $5, 24(%%rsp); pushq $77; popq 8(%%rsp); mov 8(%%rsp), %%rax;"
              " mov %%rbx, %%rsp");
  check(result == 77);
  RUN(result, "mov %%rsp, %%rbx; lea -128(%%rsp), %%rsp; stc; pushfq; clc; popfq; sbb %%rax, %%rax; mov %%rbx, %%rsp");
  check(result == -1);
  // push and pop of a word; push of the stack pointer.
  RUN(result, "mov %%rsp, %%rbx; lea -128(%%rsp), %%rsp; mov $0x1234, %%ecx; push %%cx; xor %%eax, %%eax; pop %%ax;"
              " mov %%rbx, %%rsp");
  check(result == 0x1234);
}

static void transfers(void) {
  long result;
  // Through the stack itself, where the call's own push lies.
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; lea 1f(%%rip), %%rax; mov %%rax, 8(%%rsp); movq $0, (%%rsp);"
              " call *8(%%rsp); jmp 2f; 1: mov (%%rsp), %%rcx; mov $7, %%eax; ret; 2: mov %%rbx, %%rsp");
  check(result == 7);
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; lea 1f(%%rip), %%rax; mov %%rax, -8(%%rsp);"
              " call *-8(%%rsp); jmp 2f; 1: mov $8, %%eax; ret; 2: mov %%rbx, %%rsp");
  check(result == 8);
  // Call through the stack pointer's own memory after a push of the target; jump by return; return with a count.
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; lea 1f(%%rip), %%rax; push %%rax; ret; ud2; 1: mov $9, %%eax;"
              " mov %%rbx, %%rsp");
  check(result == 9);
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; push $1; push $2; mov %%rsp, %%rdx; call 1f; sub %%rdx, %%rsp;"
              " mov %%rsp, %%rax; jmp 2f; 1: ret $16; 2: mov %%rbx, %%rsp");
  check(result == 16);
  // rcx as target, as index, with its own value kept.
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; lea 1f(%%rip), %%rcx; mov %%rcx, %%rdx; call *%%rcx; jmp 2f;"
              " 1: cmp %%rcx, %%rdx; sete %%al; movzx %%al, %%eax; ret; 2: mov %%rbx, %%rsp");
  check(result == 1);
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; lea 1f(%%rip), %%rax; mov %%rax, 24(%%rdi); mov $3, %%ecx;"
              " jmp *(%%rdi,%%rcx,8); ud2; 1: mov %%rcx, %%rax; mov %%rbx, %%rsp");
  check(result == 3);
  // Far: retf to the same segment, and iretq.
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; mov %%cs, %%ecx; push %%rcx; lea 1f(%%rip), %%rax; push %%rax; lretq;"
              " ud2; 1: mov $10, %%eax; mov %%rbx, %%rsp");
  check(result == 10);
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; mov %%ss, %%ecx; push %%rcx; push %%rbx; stc; pushfq; mov %%cs, %%ecx;"
              " push %%rcx; lea 1f(%%rip), %%rax; push %%rax; clc; iretq; ud2; 1: sbb %%rax, %%rax; cmp %%rbx, %%rsp;"
              " je 2f; ud2; 2:");
  check(result == -1);
  // Flags across a return: what the callee sets the caller sees.
  RUN(result, "mov %%rsp, %%rbx; lea -256(%%rsp), %%rsp; call 1f; sbb %%rax, %%rax; jmp 2f; 1: stc; ret; 2: mov %%rbx, %%rsp");
  check(result == -1);
}

static void others(void) {
  long result;
  for (int i = 0; i < 256; i++) table[i] = (unsigned char)(255 - i);
  RUN(result, "mov %%rsi, %%rbx; mov $7, %%eax; xlat");
  check((result & 0xff) == 248);
  RUN(result, "mov $0x1234, %%eax; cwd; cbw; lahf; bswap %%eax; mov $3, %%eax; xchg %%al, %%ah");
  check(result == 0x300);
  RUN(result, "mov %%rdi, %%r8; mov %%rsi, %%r9; mov $64, %%ecx; std; lea 63(%%rsi), %%rsi; lea 63(%%rdi), %%rdi; rep movsb; cld;"
              " mov %%rcx, %%rax; mov %%r9, %%rsi; mov %%r8, %%rdi");
  check(result == 0 && ((unsigned char *)data)[63] == 255 - 63);
  RUN(result, "mov %%fs:0, %%rax; mov %%rax, %%rcx; lea (%%ecx), %%rax; mov %%ecx, %%edx; cmp %%rdx, %%rax; sete %%al;"
              " movzx %%al, %%eax");
  check(result == 1);
}

int main(void) {
  for (int i = 0; i < 3; i++) {
    counters();
    stacks();
    transfers();
    others();
  }
  return succeed();
}
