// A parent blocked in wait4(2) while its child works; one blocked without children fails; WNOHANG polls.
#include "check.h"

int main(void) {
  pid_t slow = fork();
  if (slow == 0) {
    sleep_milliseconds(30);
    _exit(1);
  }
  pid_t fast = fork();
  if (fast == 0) _exit(2);
  int status, polls = 0;
  pid_t first = wait(&status);
  check(first == fast || first == slow);
  pid_t second;
  while ((second = waitpid(-1, &status, WNOHANG)) == 0) {
    polls++;
    sleep_milliseconds(1);
  }
  check(second > 0 && second != first);
  say("polled %d times", polls);
  check_fails(wait(&status), ECHILD);
  return succeed();
}
