// vfork(2) from one thread suspends only that thread: another goes on.
#include "check.h"

static int fds[2];

static void *writer(void *unused) {
  sleep_milliseconds(20);
  check(write(fds[1], "x", 1) == 1);
  return unused;
}

int main(void) {
  check(pipe(fds) == 0);
  pthread_t thread;
  start_thread(&thread, writer, NULL);
  pid_t child = vfork();
  check(child >= 0);
  if (child == 0) {
    char byte;
    // Ends only if the other thread of the parent still runs.
    if (read(fds[0], &byte, 1) != 1) _exit(99);
    _exit(3);
  }
  expect_exit(child, 3);
  join_thread(thread);
  say("vfork child %d", child);
  return succeed();
}
