// What a program sees of its own code addresses: return addresses, backtraces, signal frames, jumps, contexts.
// compile: -fno-omit-frame-pointer -rdynamic -Wl,--no-relax -ldl
#include "../check.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <setjmp.h>
#include <ucontext.h>

extern const char __executable_start[], etext[];

static bool is_ours(const void *address) {
  return (const char *)address >= __executable_start && (const char *)address < etext;
}

__attribute__((noinline)) static void *return_address(int level) {
  if (level) {
    void *result = return_address(level - 1);
    __asm__ volatile("" ::: "memory");
    return result;
  }
  return __builtin_return_address(0);
}

__attribute__((noinline)) int named_function(void) {
  void *frames[32];
  int count = backtrace(frames, 32);
  check(count >= 3);
  check(is_ours(frames[0]) && is_ours(frames[1]));
  int found = 0;
  for (int i = 0; i < count; i++) {
    Dl_info info;
    check(dladdr(frames[i], &info) != 0);
    const char *name = info.dli_sname ? info.dli_sname : "?";
    const char *file = strrchr(info.dli_fname, '/');
    say("frame %d: %s of %s at %p", i, name, file ? file + 1 : info.dli_fname, frames[i]);
    found += strcmp(name, "named_function") == 0 || strcmp(name, "main") == 0;
  }
  check(found == 2);
  return count;
}

static volatile int in_handler;
static void *places[3];

static void handler(int signal, siginfo_t *info, void *context) {
  ucontext_t *state = context;
  void *frames[64];
  int count = backtrace(frames, 64), ours = 0;
  for (int i = 0; i < count; i++) ours += is_ours(frames[i]);
  check(ours >= 3);
  places[in_handler++] = (void *)state->uc_mcontext.gregs[REG_RIP];
  state->uc_mcontext.gregs[REG_RAX] = 4242;
  (void)signal, (void)info;
}

static ucontext_t here, there;
static int steps;

static void other_context(int argument) {
  for (int i = 0; i < 10; i++) {
    steps += argument;
    check(swapcontext(&there, &here) == 0);
  }
}

static int finds(const void *one, const void *two) { return *(const int *)one - *(const int *)two; }
static jmp_buf sorted;
static int jumps_out(const void *one, const void *two) {
  longjmp(sorted, 1 + finds(one, two) * 0);
}

int main(void) {
  for (int i = 0; i < 20; i++) check(is_ours(return_address(i)));
  int count = named_function();
  handle_info(SIGUSR1, handler, 0);
  handle_info(SIGTRAP, handler, 0);
  long result;
  __asm__ volatile("lea 1f(%%rip), %%rdx; int3; 1:" : "=a"(result), "=d"(places[2]) : : "memory");
  check(in_handler == 1 && result == 4242 && places[0] == places[2]);
  check(raise(SIGUSR1) == 0);
  check(in_handler == 2);
  // Contexts, made and switched.
  static char stack[65536];
  check(getcontext(&there) == 0);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = sizeof stack;
  there.uc_link = &here;
  makecontext(&there, (void (*)(void))other_context, 1, 3);
  for (int i = 0; i < 10; i++) check(swapcontext(&here, &there) == 0);
  check(steps == 30);
  // Out of library code that called back.
  int numbers[100];
  for (int i = 0; i < 100; i++) numbers[i] = i * 7919 % 100;
  volatile int jumps = 0;
  if (setjmp(sorted) == 0 || ++jumps < 50) qsort(numbers, 100, sizeof *numbers, jumps_out);
  check(jumps == 50);
  qsort(numbers, 100, sizeof *numbers, finds);
  for (int i = 0; i < 100; i++) check(numbers[i] == i);
  say("%d frames, %p %p", count, places[0], places[1]);
  return succeed();
}
