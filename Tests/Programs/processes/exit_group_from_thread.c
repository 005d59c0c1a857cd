// A thread ends the whole process with exit_group(2) while the others are blocked.
#include "check.h"

static void *blocked(void *unused) {
  for (;;) pause();
  return unused;
}

static void *ender(void *unused) {
  sleep_milliseconds(5);
  _exit(17);
  return unused;
}

int main(void) {
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    for (int i = 0; i < 4; i++) start_thread(&thread, blocked, NULL);
    start_thread(&thread, ender, NULL);
    for (;;) pause();
  }
  expect_exit(child, 17);
  return succeed();
}
