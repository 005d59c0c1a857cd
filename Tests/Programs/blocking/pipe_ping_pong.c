// Two processes pass a number back and forth over pipes.
#include "check.h"

int main(void) {
  int forth[2], back[2];
  check(pipe(forth) == 0 && pipe(back) == 0);
  pid_t child = fork();
  if (child == 0) {
    int value;
    close(forth[1]);
    while (read(forth[0], &value, sizeof value) == sizeof value) {
      value += getpid() % 100;
      check(write(back[1], &value, sizeof value) == sizeof value);
    }
    _exit(0);
  }
  close(forth[0]);
  int value = 0;
  for (int i = 0; i < 100; i++) {
    check(write(forth[1], &value, sizeof value) == sizeof value);
    check(read(back[0], &value, sizeof value) == sizeof value);
  }
  close(forth[1]);
  expect_exit(child, 0);
  say("value %d", value);
  return succeed();
}
