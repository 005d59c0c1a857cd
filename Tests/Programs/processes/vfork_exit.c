// vfork(2): the child shares memory, so the parent sees what it wrote before it ended.
#include "check.h"

int main(void) {
  volatile int written = 0;
  for (volatile int i = 1; i <= 5; i++) {
    pid_t child = vfork();
    check(child >= 0);
    if (child == 0) {
      written += i;
      _exit(i);
    }
    expect_exit(child, i);
    say("child %d: %d", child, written);
  }
  check(written == 15);
  return succeed();
}
