// Ended children stay zombies until they are waited for, in any order; SIGCHLD ignored leaves none.
#include "check.h"

int main(void) {
  pid_t children[10];
  for (int i = 0; i < 10; i++) {
    children[i] = fork();
    if (children[i] == 0) _exit(i);
  }
  sleep_milliseconds(10);
  for (int i = 9; i >= 0; i--) {
    check(kill(children[i], 0) == 0);
    expect_exit(children[i], i);
    check_fails(kill(children[i], 0), ESRCH);
  }
  signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 5; i++) {
    pid_t child = fork();
    if (child == 0) _exit(1);
    check_fails(waitpid(child, NULL, 0), ECHILD);
  }
  check_fails(wait(NULL), ECHILD);
  return succeed();
}
