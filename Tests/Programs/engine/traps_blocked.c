// SIGTRAP and SIGSEGV blocked, ignored or handled while new code is met and written: the program sees nothing of it.
#include "emit.h"

static volatile int traps, faults;
static void on_trap(int signal) { traps += signal == SIGTRAP; }
static void on_fault(int signal) { faults += signal == SIGSEGV; }

// New code, changed code, and calls all over the library.
static void work(char *page, int round) {
  for (int i = 0; i < 20; i++) {
    emit_value(page + i * 100, round * i);
    check(call(page + i * 100) == round * i);
  }
  char text[64];
  snprintf(text, sizeof text, "%d %f %s", round, round / 3.0, strerror(round % 40));
  check(strtod(text, NULL) == round);
  check(sched_yield() == 0);
}

static void expect_state(int how, struct sigaction *trap, struct sigaction *fault) {
  struct sigaction action;
  sigset_t mask;
  check(sigaction(SIGTRAP, NULL, &action) == 0 && action.sa_handler == trap->sa_handler);
  check(action.sa_flags == trap->sa_flags);
  check(sigaction(SIGSEGV, NULL, &action) == 0 && action.sa_handler == fault->sa_handler);
  check(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
  bool blocked = how & 1;
  check(sigismember(&mask, SIGTRAP) == blocked && sigismember(&mask, SIGSEGV) == blocked);
}

static void *in_thread(void *argument) {
  char *page = argument;
  sigset_t mask;
  check(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
  check(sigismember(&mask, SIGTRAP) && sigismember(&mask, SIGSEGV));
  work(page, 77);
  check(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
  check(sigismember(&mask, SIGTRAP) && sigismember(&mask, SIGSEGV));
  return NULL;
}

int main(void) {
  char *page = map_code(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGTRAP);
  sigaddset(&both, SIGSEGV);
  void (*handlers[3][2])(int) = {{SIG_DFL, SIG_DFL}, {SIG_IGN, SIG_IGN}, {on_trap, on_fault}};
  for (int how = 0; how < 6; how++) {
    struct sigaction trap = {.sa_handler = handlers[how / 2][0], .sa_flags = SA_RESTART};
    struct sigaction fault = {.sa_handler = handlers[how / 2][1]};
    check(sigaction(SIGTRAP, &trap, NULL) == 0 && sigaction(SIGSEGV, &fault, NULL) == 0);
    check(sigaction(SIGTRAP, NULL, &trap) == 0);
    check(sigprocmask(how & 1 ? SIG_BLOCK : SIG_UNBLOCK, &both, NULL) == 0);
    work(page, how + 1);
    expect_state(how, &trap, &fault);
    pid_t child = fork();
    if (child == 0) {
      work(page, how + 2);
      expect_state(how, &trap, &fault);
      _exit(0);
    }
    work(page, how + 3);
    expect_state(how, &trap, &fault);
    expect_exit(child, 0);
  }
  // Both are blocked and handled now: one that is sent waits until it may come, and comes once.
  check(kill(getpid(), SIGTRAP) == 0);
  work(page, 20);
  check(traps == 0);
  sigset_t pending;
  check(sigpending(&pending) == 0 && sigismember(&pending, SIGTRAP) && !sigismember(&pending, SIGSEGV));
  pthread_t thread;
  start_thread(&thread, in_thread, page);
  join_thread(thread);
  check(traps == 0 && faults == 0);
  check(sigprocmask(SIG_UNBLOCK, &both, NULL) == 0);
  check(traps == 1 && faults == 0);
  // The program's own breakpoint kills it while SIGTRAP is blocked, or ignored.
  for (int how = 0; how < 2; how++) {
    pid_t child = fork();
    if (child == 0) {
      if (how) signal(SIGTRAP, SIG_IGN);
      else check(sigprocmask(SIG_BLOCK, &both, NULL) == 0);
      work(page, 30);
      __asm__ volatile("int3");
      _exit(0);
    }
    expect_killed(child, SIGTRAP);
  }
  return succeed();
}
