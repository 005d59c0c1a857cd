// A process and its two children, one of which executes the program again.
// compile: -O0
#include "check.h"

int steps;

int grow(int by) {
  steps += by;
  return steps;
}

static int elder(void) {
  grow(10);
  return grow(1);
}

static int younger(void) {
  return grow(100);
}

int main(int count, char **arguments) {
  if (count > 1) return younger() == 100 ? 5 : 1;
  pid_t first = fork();
  if (first == 0) _exit(elder());
  expect_exit(first, 11);
  pid_t second = fork();
  if (second == 0) {
    execl("/proc/self/exe", arguments[0], "again", NULL);
    _exit(127);
  }
  expect_exit(second, 5);
  check(grow(1) == 1);
  say("%d has had %d and %d", getpid(), first, second);
  return succeed();
}
