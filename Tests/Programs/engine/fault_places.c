// Faults of every kind: program counter, registers, si_code and si_addr are those of the instruction.
#include "check.h"

#include <ucontext.h>

// Runs the code at `code` with rdi = `operand` and every other register holding a pattern. The handler comes back.
void run_code(const void *code, uint64_t operand);
extern uint64_t saved_stack, odd_stack;
extern const char run_code_end[];
extern char guarded[];

__asm__(
    ".globl run_code, saved_stack, odd_stack, run_code_end, guarded\n"
    ".bss; .balign 4096\n guarded: .skip 4096\n saved_stack: .skip 8\n odd_stack: .skip 8\n .text\n"
    "run_code: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  mov %rsp, saved_stack(%rip)\n"
    "  mov odd_stack(%rip), %rbp; test %rbp, %rbp; cmovnz %rbp, %rsp\n"
    "  mov %rdi, %rax; mov %rsi, %rdi; mov %rax, %rsi\n"
    "  movabs $0x1111111111111111, %rbx; movabs $0x2222222222222222, %rcx; movabs $0x3333333333333333, %rbp\n"
    "  movabs $0x8888888888888888, %r8; movabs $0x9999999999999999, %r9; movabs $0xaaaaaaaaaaaaaaaa, %r10\n"
    "  movabs $0xbbbbbbbbbbbbbbbb, %r11; movabs $0xcccccccccccccccc, %r12; movabs $0xdddddddddddddddd, %r13\n"
    "  movabs $0xeeeeeeeeeeeeeeee, %r14; movabs $0xffffffffffffffff, %r15; xor %eax, %eax; mov $5, %edx\n"
    "  stc\n"
    "  jmp *%rsi\n"
    "run_code_end: pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

#define CODE(name, ...)                                                                              \
  extern const char name[], name##_at[];                                                             \
  __asm__(".globl " #name ", " #name "_at\n" #name ": " __VA_ARGS__ "\n ud2\n")
#define AT(name) #name "_at: "

CODE(load, "nop\n" AT(load) "mov (%rdi), %rdx");
CODE(store, "nop\n" AT(store) "mov %rbx, 16(%rdi)");
CODE(global_load, AT(global_load) "mov guarded+8(%rip), %rdx");
CODE(global_store, AT(global_store) "movb $1, guarded+9(%rip)");
CODE(vector_store, AT(vector_store) "movups %xmm0, (%rdi)");
CODE(misaligned, AT(misaligned) "movaps 1(%rsp), %xmm1");
CODE(read_write, AT(read_write) "lock xadd %rbx, (%rdi)");
CODE(push_register, AT(push_register) "push %rbx");
CODE(push_memory, AT(push_memory) "pushq (%rdi)");
CODE(pop_memory, AT(pop_memory) "popq 8(%rdi)");
CODE(call_direct, AT(call_direct) "call run_code");
CODE(call_memory, AT(call_memory) "call *(%rdi)");
CODE(call_register, AT(call_register) "call *%rdi");
CODE(jump_memory, AT(jump_memory) "jmp *8(%rdi)");
CODE(jump_register, AT(jump_register) "jmp *%rdi");
CODE(returns, AT(returns) "ret");
CODE(enters, AT(enters) "enter $16, $0");
CODE(leaves, "mov %rdi, %rbp\n" AT(leaves) "leave");
CODE(divides, "xor %ebx, %ebx\n" AT(divides) "div %ebx");
CODE(divides_big, "mov $1, %ebx; mov $-1, %edx\n" AT(divides_big) "div %ebx");
CODE(undefined, AT(undefined) "ud2");
CODE(undefined_one, AT(undefined_one) ".byte 0x0f, 0xb9, 0xc0");
CODE(locked_move, AT(locked_move) ".byte 0xf0, 0x89, 0xd8");
CODE(breakpoint, "int3\n" AT(breakpoint));
CODE(breakpoint_long, ".byte 0xcd, 3\n" AT(breakpoint_long));
CODE(overflow, ".byte 0xcd, 4\n" AT(overflow));
CODE(no_gate, AT(no_gate) ".byte 0xcd, 0x2d");
CODE(halt, AT(halt) "hlt");
CODE(port, AT(port) "in %dx, %al");
CODE(copies, "mov %rdi, %rsi; lea -8192(%rsp), %rdi; mov $64, %ecx\n" AT(copies) "rep movsb");
CODE(loops, "mov $3, %ecx; 1: mov (%rdi), %al; 2: add $4093, %rdi; loop 3f; ud2\n 3: mov %al, %al\n"
            AT(loops) "mov (%rdi), %al");
CODE(flags_live, "cmp %rbx, %rbx; lea 3f(%rip), %rdx; jmp *%rdx; ud2; 3: mov $5, %edx\n"
                 AT(flags_live) "mov (%rdi), %rax; jz 3b");

static const struct trial {
  const char *name, *code, *at;
  int signal, si_code;
} trials[] = {
#define TRIAL(name, signal, si_code) {#name, name, name##_at, signal, si_code}
    TRIAL(load, SIGSEGV, SEGV_MAPERR), TRIAL(store, SIGSEGV, SEGV_MAPERR), TRIAL(global_load, SIGSEGV, SEGV_ACCERR),
    TRIAL(global_store, SIGSEGV, SEGV_ACCERR), TRIAL(vector_store, SIGSEGV, SEGV_MAPERR),
    TRIAL(misaligned, SIGSEGV, SI_KERNEL), TRIAL(read_write, SIGSEGV, SEGV_MAPERR),
    TRIAL(push_register, SIGSEGV, SEGV_MAPERR), TRIAL(push_memory, SIGSEGV, SEGV_MAPERR),
    TRIAL(pop_memory, SIGSEGV, SEGV_MAPERR), TRIAL(call_direct, SIGSEGV, SEGV_MAPERR),
    TRIAL(call_memory, SIGSEGV, SEGV_MAPERR), TRIAL(jump_memory, SIGSEGV, SEGV_MAPERR),
    TRIAL(returns, SIGSEGV, SEGV_MAPERR), TRIAL(enters, SIGSEGV, SEGV_MAPERR), TRIAL(leaves, SIGSEGV, SEGV_MAPERR),
    TRIAL(divides, SIGFPE, FPE_INTDIV), TRIAL(divides_big, SIGFPE, FPE_INTDIV), TRIAL(undefined, SIGILL, ILL_ILLOPN),
    TRIAL(undefined_one, SIGILL, ILL_ILLOPN), TRIAL(locked_move, SIGILL, ILL_ILLOPN),
    TRIAL(breakpoint, SIGTRAP, SI_KERNEL), TRIAL(breakpoint_long, SIGTRAP, SI_KERNEL),
    TRIAL(overflow, SIGSEGV, SI_KERNEL), TRIAL(no_gate, SIGSEGV, SI_KERNEL), TRIAL(halt, SIGSEGV, SI_KERNEL),
    TRIAL(port, SIGSEGV, SI_KERNEL), TRIAL(copies, SIGSEGV, SEGV_MAPERR), TRIAL(loops, SIGSEGV, SEGV_MAPERR),
    TRIAL(flags_live, SIGSEGV, SEGV_MAPERR),
};

static siginfo_t info;
static gregset_t found;
static volatile int count;

static void handler(int signal, siginfo_t *given, void *context) {
  ucontext_t *state = context;
  info = *given;
  memcpy(found, state->uc_mcontext.gregs, sizeof found);
  count++;
  state->uc_mcontext.gregs[REG_RIP] = (greg_t)run_code_end;
  state->uc_mcontext.gregs[REG_RSP] = (greg_t)saved_stack;
  (void)signal;
}

static uint64_t reg(int index) { return (uint64_t)found[index]; }

// The registers that no trial changes.
static void check_registers(void) {
  check(reg(REG_R8) == 0x8888888888888888 && reg(REG_R9) == 0x9999999999999999);
  check(reg(REG_R10) == 0xaaaaaaaaaaaaaaaa && reg(REG_R11) == 0xbbbbbbbbbbbbbbbb);
  check(reg(REG_R12) == 0xcccccccccccccccc && reg(REG_R13) == 0xdddddddddddddddd);
  check(reg(REG_R14) == 0xeeeeeeeeeeeeeeee && reg(REG_R15) == 0xffffffffffffffff);
}

static void attempt(const struct trial *trial, uint64_t operand) {
  int before = count;
  run_code(trial->code, operand);
  check(count == before + 1);
  say("%s: signal %d code %d rcx %lx", trial->name, info.si_signo, info.si_code, (long)reg(REG_RCX));
  check(info.si_signo == trial->signal);
  check(info.si_code == trial->si_code);
  check(reg(REG_RIP) == (uint64_t)trial->at);
  check_registers();
}

// Jumps to `target`, where nothing can be executed: the jump is done, and the fetch faults.
static void wild(const char *name, const char *code, uint64_t target, int signal, int si_code) {
  int before = count;
  run_code(code, target);
  check(count == before + 1);
  say("%s to %lx: signal %d code %d", name, (long)target, info.si_signo, info.si_code);
  check(info.si_signo == signal && info.si_code == si_code);
  check(reg(REG_RIP) == target && (uint64_t)info.si_addr == target);
  check_registers();
  check(reg(REG_RCX) == 0x2222222222222222);
}

int main(void) {
  static char stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  check(sigaltstack(&alternate, NULL) == 0);
  for (int signal = 1; signal < 32; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) handle_info(signal, handler, SA_ONSTACK | SA_NODEFER);
  char *area = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(area != MAP_FAILED);
  check(munmap(area + 8192, 8192) == 0);
  uint64_t absent = (uint64_t)area + 8192;
  check(mprotect(guarded, 4096, PROT_NONE) == 0);
  for (int round = 0; round < 3; round++) {
    for (size_t index = 0; index < sizeof trials / sizeof *trials; index++) {
      const struct trial *trial = &trials[index];
      bool on_stack = strstr("push_register call_direct enters returns", trial->name) != NULL;
      // Where the stack itself is the trouble it is 8 bytes above the hole, or in it.
      odd_stack = on_stack ? (trial->code == returns ? absent : absent + 4096) : 0;
      uint64_t operand = trial->code == loops ? absent - 4093 : trial->code == copies ? absent - 10 : absent;
      attempt(trial, operand);
      odd_stack = 0;
      if (trial->si_code == SI_KERNEL) check(info.si_addr == NULL);
      if (trial->signal == SIGFPE || trial->signal == SIGILL) check(info.si_addr == (void *)trial->at);
      if (trial->signal == SIGSEGV && trial->si_code == SEGV_MAPERR && !on_stack && trial->code != loops && trial->code != copies) {
        uint64_t address = (uint64_t)info.si_addr;
        check(address >= absent && address <= absent + 16);
      }
      if (trial->code == copies) check(reg(REG_RCX) == 54 && reg(REG_RSI) == absent && (uint64_t)info.si_addr == absent);
      if (trial->code == loops) check(reg(REG_RCX) == 2 && (uint64_t)info.si_addr == absent);
      if (trial->code == flags_live) check(reg(REG_EFL) & 0x40);
    }
    wild("jump", jump_register, absent + 5, SIGSEGV, SEGV_MAPERR);
    wild("jump", jump_register, (uint64_t)area + 7, SIGSEGV, SEGV_ACCERR);
    wild("call", call_register, absent + 5, SIGSEGV, SEGV_MAPERR);
    // The call has pushed its return address.
    check(*(uint64_t *)(reg(REG_RSP)) == (uint64_t)call_register_at + 2);
    wild("jump", jump_register, 0, SIGSEGV, SEGV_MAPERR);
    wild("jump", jump_register, 0x7ffffffff000, SIGSEGV, SEGV_MAPERR);
  }
  // Past the end of a mapped file: data and code.
  make_file("short", "x", 1);
  int fd = open("short", O_RDWR);
  char *file = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
  check(file != MAP_FAILED);
  static const struct trial past_end = {"past end", load, load_at, SIGBUS, BUS_ADRERR};
  attempt(&past_end, (uint64_t)file + 4096);
  check(info.si_addr == file + 4096);
  wild("jump past end", jump_register, (uint64_t)file + 4100, SIGBUS, BUS_ADRERR);
  check(close(fd) == 0);
  // Addresses that aren't canonical: makers differ in where they fault.
  for (int kind = 0; kind < 2; kind++) {
    int before = count;
    run_code(kind ? call_register : jump_register, 0x123456789abcdef0);
    check(count == before + 1 && info.si_signo == SIGSEGV && info.si_code == SI_KERNEL);
    check_registers();
    const char *at = kind ? call_register_at : jump_register_at;
    say("not canonical: rip is %s", reg(REG_RIP) == (uint64_t)at ? "the instruction's" : "elsewhere");
    check(reg(REG_RIP) == (uint64_t)at || reg(REG_RIP) == 0x123456789abcdef0);
  }
  return succeed();
}
