// One child after another is forked while their elders are blocked on a pipe; closing it frees them all.
#include "check.h"

int main(void) {
  int fds[2];
  check(pipe(fds) == 0);
  pid_t children[12];
  for (int i = 0; i < 12; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      char byte;
      close(fds[1]);
      check(read(fds[0], &byte, 1) == 1);
      _exit(byte);
    }
  }
  for (int i = 0; i < 12; i++) check(write(fds[1], &(char){(char)(i + 1)}, 1) == 1);
  int sum = 0;
  for (int i = 0; i < 12; i++) {
    int status;
    pid_t child = wait(&status);
    check(WIFEXITED(status));
    sum += WEXITSTATUS(status);
    say("%d took %d", child, WEXITSTATUS(status));
  }
  check(sum == 78);
  return succeed();
}
