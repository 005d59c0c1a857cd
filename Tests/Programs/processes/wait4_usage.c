// wait4(2) with resource usage, for any child, for a group, and without a status.
#include "check.h"
#include <sys/resource.h>

int main(void) {
  for (int i = 0; i < 3; i++) {
    if (fork() == 0) {
      volatile char *memory = malloc(1 << 20);
      for (int j = 0; j < 1 << 20; j += 4096) memory[j] = 1;
      _exit(i);
    }
  }
  int sum = 0;
  for (int i = 0; i < 3; i++) {
    int status;
    struct rusage usage;
    pid_t pid = wait4(-1, &status, 0, &usage);
    check(pid > 0 && WIFEXITED(status));
    sum += WEXITSTATUS(status);
    say("%d: %ld.%06ld s, %ld KiB, %ld faults", pid, usage.ru_utime.tv_sec, usage.ru_utime.tv_usec, usage.ru_maxrss,
        usage.ru_minflt);
  }
  check(sum == 3);
  pid_t child = fork();
  if (child == 0) _exit(0);
  check(wait4(0, NULL, 0, NULL) == child);
  check_fails(wait4(-1, NULL, WNOHANG, NULL), ECHILD);
  return succeed();
}
