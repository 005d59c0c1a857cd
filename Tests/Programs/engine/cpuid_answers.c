// cpuid: the same answer each time, the flags as they were, the upper halves of the registers cleared; also for leaves
// and subleaves that don't exist. The last line is the same without rrs on the same processor.
#include "check.h"

struct answer { uint64_t rax, rbx, rcx, rdx, flags; };

static struct answer ask(uint32_t leaf, uint32_t subleaf, uint64_t flags) {
  struct answer a;
  uint64_t rax = 0xabcdef0000000000 | leaf, rcx = 0x1234567800000000 | subleaf, rbx = ~0ul, rdx = ~0ul;
  __asm__ volatile("push %[flags]; popfq; cpuid; pushfq; pop %[after]"
                   : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx), [after] "=&r"(a.flags)
                   : [flags] "r"(flags)
                   : "cc", "memory");
  a.rax = rax, a.rbx = rbx, a.rcx = rcx, a.rdx = rdx;
  return a;
}

static uint64_t hash = 1;

static void check_leaf(uint32_t leaf, uint32_t subleaf) {
  // CF, PF, AF, ZF, SF and OF; IF is always set.
  const uint64_t status = 0x8d5, always = 0x202;
  struct answer clear = ask(leaf, subleaf, always), set = ask(leaf, subleaf, always | status);
  check((clear.flags & status) == 0 && (set.flags & status) == status);
  check(clear.rax == set.rax && clear.rbx == set.rbx && clear.rcx == set.rcx && clear.rdx == set.rdx);
  check((clear.rax | clear.rbx | clear.rcx | clear.rdx) >> 32 == 0);
  uint64_t words[] = {clear.rax, clear.rbx, clear.rcx, clear.rdx};
  for (int i = 0; i < 4; i++) hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15 ^ hash >> 29;
}

int main(void) {
  const uint32_t firsts[] = {0, 0x40000000, 0x80000000, 0xc0000000};
  for (int i = 0; i < 4; i++) {
    for (uint32_t leaf = 0; leaf < 0x30; leaf++) {
      for (uint32_t subleaf = 0; subleaf < 5; subleaf++) check_leaf(firsts[i] + leaf, subleaf);
      check_leaf(firsts[i] + leaf, 0xffff);
    }
  }
  for (uint32_t subleaf = 0; subleaf < 70; subleaf++) check_leaf(0xd, subleaf);
  check_leaf(~0u, ~0u);
  say("answers %016lx", hash);
  return succeed();
}
