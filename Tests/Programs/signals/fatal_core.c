// Children that die of core-dumping signals, with and without permission to dump.
#include "check.h"
#include <sys/resource.h>

int main(void) {
  for (int round = 0; round < 2; round++) {
    for (int kind = 0; kind < 4; kind++) {
      pid_t child = fork();
      if (child == 0) {
        struct rlimit limit = {0, 0};
        if (round == 0) check(setrlimit(RLIMIT_CORE, &limit) == 0);
        check(mkdir("dump", 0755) == 0 || errno == EEXIST);
        check(chdir("dump") == 0);
        if (kind == 0) abort();
        if (kind == 1) *(volatile int *)8 = 1;
        if (kind == 2) __asm__ volatile("ud2");
        if (kind == 3) raise(SIGQUIT);
        _exit(0);
      }
      int expected[] = {SIGABRT, SIGSEGV, SIGILL, SIGQUIT};
      int status = wait_for(child);
      check(WIFSIGNALED(status) && WTERMSIG(status) == expected[kind]);
      say("%d: core %d", expected[kind], WCOREDUMP(status) != 0);
    }
  }
  check(system("rm -rf dump") == 0);
  return succeed();
}
