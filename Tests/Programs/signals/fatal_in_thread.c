// A fault in a thread ends the whole process; so does SIGKILL from another.
#include "check.h"
#include <sys/resource.h>

static void *crash(void *unused) {
  sleep_milliseconds(3);
  *(volatile int *)16 = 1;
  return unused;
}

static void *wait_forever(void *unused) {
  for (;;) pause();
  return unused;
}

int main(void) {
  struct rlimit none = {0, 0};
  check(setrlimit(RLIMIT_CORE, &none) == 0);
  for (int kind = 0; kind < 2; kind++) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      for (int i = 0; i < 4; i++) start_thread(&thread, wait_forever, NULL);
      if (kind == 0) start_thread(&thread, crash, NULL);
      for (;;) pause();
    }
    sleep_milliseconds(3);
    if (kind == 1) kill(child, SIGKILL);
    expect_killed(child, kind == 0 ? SIGSEGV : SIGKILL);
  }
  return succeed();
}
