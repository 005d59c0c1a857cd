// execve(2) from a thread that isn't the main one: all others go, and the caller takes over the process id.
#include "check.h"

static char **arguments;

static void *sleeper(void *unused) {
  for (;;) pause();
  return unused;
}

static void *executor(void *unused) {
  check(thread_id() != getpid());
  char *again[] = {arguments[0], "again", NULL};
  execv("/proc/self/exe", again);
  check(!"execv returned");
  return unused;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    check(thread_id() == getpid());
    say("after: %d", getpid());
    return succeed();
  }
  arguments = argv;
  say("before: %d", getpid());
  pthread_t threads[4];
  for (int i = 0; i < 3; i++) start_thread(&threads[i], sleeper, NULL);
  start_thread(&threads[3], executor, NULL);
  for (;;) pause();
}
