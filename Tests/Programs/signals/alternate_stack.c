// sigaltstack(2): handlers run on it, nest on it, and it is reported while in use.
#include "check.h"

static char memory[65536];
static volatile int inside;

static void handler(int signal) {
  char here;
  inside += &here >= memory && &here < memory + sizeof memory;
  stack_t now;
  check(sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_ONSTACK);
  check_fails(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), EPERM);
  if (signal == SIGUSR1) raise(SIGUSR2);
}

int main(void) {
  stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory}, old;
  check(sigaltstack(&stack, &old) == 0 && old.ss_flags == SS_DISABLE);
  handle(SIGUSR1, handler, SA_ONSTACK);
  handle(SIGUSR2, handler, SA_ONSTACK);
  raise(SIGUSR1);
  check(inside == 2);
  pid_t child = fork();
  if (child == 0) {
    raise(SIGUSR2);
    _exit(inside);
  }
  expect_exit(child, 3);
  check_fails(sigaltstack(&(stack_t){.ss_sp = memory, .ss_size = 10}, NULL), ENOMEM);
  say("stack at %p", (void *)memory);
  return succeed();
}
