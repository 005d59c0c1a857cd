// Endless recursion overflows the stack; a handler on an alternate stack notices and jumps out.
// compile: -Wl,-z,now
#include "check.h"
#include <setjmp.h>
#include <sys/resource.h>

static sigjmp_buf back;
static void *volatile fault;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  fault = info->si_addr;
  siglongjmp(back, signal);
}

__attribute__((noinline)) static int recurse(int depth) {
  if (depth < 0) return 0;
  volatile char block[8192];
  block[0] = (char)depth;
  return recurse(depth + 1) + block[0];
}

int main(void) {
  struct rlimit limit = {1 << 20, 8 << 20};
  check(setrlimit(RLIMIT_STACK, &limit) == 0);
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  check(sigaltstack(&stack, NULL) == 0);
  handle_info(SIGSEGV, handler, SA_ONSTACK);
  for (volatile int i = 0; i < 3; i++) {
    if (sigsetjmp(back, 1) == 0) recurse(0);
  }
  say("overflow at %p", fault);
  return succeed();
}
