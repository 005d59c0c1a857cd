// Handlers of SIGSEGV, SIGFPE, SIGILL and SIGTRAP that change the interrupted context and return.
#include "check.h"
#include <ucontext.h>

static volatile siginfo_t last;

static void skip(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  last = *info;
  // Each faulting instruction below keeps the address after it in rbx and takes its result from rax.
  if (signal != SIGTRAP) registers[REG_RIP] = registers[REG_RBX];
  registers[REG_RAX] = 1000 + signal;
}

#define faulting(instruction, setup)                                                                       \
  ({                                                                                                       \
    long result = (setup);                                                                                 \
    __asm__ volatile("lea 1f(%%rip), %%rbx\n\t" instruction "\n1:" : "+a"(result) : : "rbx", "rcx", "rdx", \
                     "memory", "cc");                                                                      \
    result;                                                                                                \
  })

int main(void) {
  int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
  for (int i = 0; i < 5; i++) handle_info(signals[i], skip, 0);
  check(faulting("movq (%%rax), %%rax", 64) == 1000 + SIGSEGV && last.si_addr == (void *)64);
  check(faulting("movq %%rax, (%%rax)", 128) == 1000 + SIGSEGV && last.si_code == SEGV_MAPERR);
  check(faulting("movabs $0x8000000000000000, %%rax\n\tmovq (%%rax), %%rax", 0) == 1000 + SIGSEGV);
  check(last.si_addr == NULL);
  check(faulting("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tdiv %%ecx", 5) == 1000 + SIGFPE);
  check(last.si_code == FPE_INTDIV);
  check(faulting("ud2", 1) == 1000 + SIGILL && last.si_code == ILL_ILLOPN);
  check(faulting("int3", 1) == 1000 + SIGTRAP);
  check(faulting("hlt", 1) == 1000 + SIGSEGV);
  return succeed();
}
