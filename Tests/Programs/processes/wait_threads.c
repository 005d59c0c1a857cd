// Children belong to the process: any thread may wait for them, unless it says __WNOTHREAD.
#include "check.h"

static pid_t child;

static void *forker(void *unused) {
  child = fork();
  if (child == 0) {
    sleep_milliseconds(5);
    _exit(6);
  }
  return unused;
}

static void *keeper(void *unused) {
  forker(NULL);
  pid_t own = child;
  sleep_milliseconds(10);
  check(waitpid(own, NULL, __WNOTHREAD) == own);
  return unused;
}

int main(void) {
  pthread_t thread;
  start_thread(&thread, forker, NULL);
  join_thread(thread);
  expect_exit(child, 6);
  start_thread(&thread, keeper, NULL);
  check_fails(waitpid(-1, NULL, __WNOTHREAD), ECHILD);
  join_thread(thread);
  return succeed();
}
