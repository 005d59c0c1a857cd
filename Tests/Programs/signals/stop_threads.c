// A stopped process stops with all its threads, and all go on together.
// checksum: 50
#include "check.h"

static volatile int counter;

static void *spinner(void *unused) {
  for (;;) {
    counter++;
    sched_yield();
  }
  return unused;
}

int main(void) {
  volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    start_thread(&thread, spinner, NULL);
    start_thread(&thread, spinner, NULL);
    for (;;) {
      shared[0] = counter;
      sched_yield();
    }
  }
  while (shared[0] < 10) sched_yield();
  int status;
  check(kill(child, SIGSTOP) == 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
  int before = shared[0];
  sleep_milliseconds(5);
  check(shared[0] == before);
  check(kill(child, SIGCONT) == 0);
  while (shared[0] == before) sched_yield();
  say("stopped at %d", before);
  check(kill(child, SIGTERM) == 0);
  expect_killed(child, SIGTERM);
  return succeed();
}
