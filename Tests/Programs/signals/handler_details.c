// SA_SIGINFO: sender, value, code and context for kill(2), sigqueue(3), tgkill(2) and a child's end.
#include "check.h"
#include <ucontext.h>

static volatile siginfo_t last;
static volatile int count;
static void *volatile stack_pointer;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal;
  last = *info;
  stack_pointer = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
  count++;
}

int main(void) {
  handle_info(SIGUSR1, handler, 0);
  handle_info(SIGCHLD, handler, 0);
  kill(getpid(), SIGUSR1);
  check(count == 1 && last.si_code == SI_USER && last.si_pid == getpid() && last.si_uid == getuid());
  sigqueue(getpid(), SIGUSR1, (union sigval){.sival_ptr = (void *)0x123456789});
  check(count == 2 && last.si_code == SI_QUEUE && last.si_value.sival_ptr == (void *)0x123456789);
  syscall(SYS_tgkill, getpid(), thread_id(), SIGUSR1);
  check(count == 3 && last.si_code == SI_TKILL);
  say("interrupted with stack at %p", stack_pointer);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    sigqueue(parent, SIGUSR1, (union sigval){.sival_int = getpid()});
    _exit(12);
  }
  while (count < 5) sched_yield();
  check(last.si_pid == child);
  expect_exit(child, 12);
  say("last: signal %d code %d pid %d", last.si_signo, last.si_code, last.si_pid);
  return succeed();
}
