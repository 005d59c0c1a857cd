// Threads with stacks of their own: given, large, and with guard pages that are hit.
#include "check.h"
#include <setjmp.h>

static __thread sigjmp_buf back;

static void handler(int signal) { siglongjmp(back, signal); }

__attribute__((noinline)) static int forever(int depth) {
  if (depth < 0) return 0;
  volatile char block[4096];
  block[0] = (char)depth;
  return forever(depth + 1) + block[0];
}

static void *overflow(void *unused) {
  stack_t alternative = {.ss_sp = malloc(65536), .ss_size = 65536};
  check(sigaltstack(&alternative, NULL) == 0);
  if (sigsetjmp(back, 1) == 0) forever(0);
  alternative.ss_flags = SS_DISABLE;
  check(sigaltstack(&alternative, NULL) == 0);
  return unused;
}

static void *plain(void *unused) {
  char here;
  say("stack %p", &here);
  return unused;
}

int main(void) {
  handle(SIGSEGV, handler, SA_ONSTACK);
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  check(pthread_create(&thread, &attributes, overflow, NULL) == 0);
  join_thread(thread);
  void *given = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_setstack(&attributes, given, 65536);
  check(pthread_create(&thread, &attributes, plain, NULL) == 0);
  join_thread(thread);
  return succeed();
}
