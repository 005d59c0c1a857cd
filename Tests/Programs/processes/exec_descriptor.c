// fexecve(3), execveat(2) with and without AT_EMPTY_PATH, and descriptors closed on exec.
#include "check.h"

int main(int argc, char **argv) {
  extern char **environ;
  if (argc > 1) {
    say("%s: descriptor 50 %s, 51 %s", argv[1], fcntl(50, F_GETFD) < 0 ? "closed" : "open",
        fcntl(51, F_GETFD) < 0 ? "closed" : "open");
    return fcntl(50, F_GETFD) < 0 && fcntl(51, F_GETFD) >= 0 ? 11 : 12;
  }
  int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  check(own >= 0);
  check(dup3(own, 50, O_CLOEXEC) == 50);
  check(dup2(own, 51) == 51);
  pid_t child = fork();
  if (child == 0) {
    char *arguments[] = {argv[0], "fexecve", NULL};
    fexecve(own, arguments, environ);
    _exit(99);
  }
  expect_exit(child, 11);
  child = fork();
  if (child == 0) {
    char *arguments[] = {"sh", "-c", "exit 13", NULL};
    int directory = open("/bin", O_PATH | O_DIRECTORY);
    syscall(SYS_execveat, directory, "sh", arguments, environ, 0);
    _exit(99);
  }
  expect_exit(child, 13);
  return succeed();
}
