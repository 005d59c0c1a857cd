// execve(2) from the main thread while others are blocked in system calls and on locks.
#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fds[2];
static atomic_int ready;

static void *locker(void *unused) {
  ready++;
  pthread_mutex_lock(&lock);
  return unused;
}

static void *reader(void *unused) {
  char byte;
  ready++;
  check(read(fds[0], &byte, 1) == 1);
  return unused;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    say("after: %d", getpid());
    return succeed();
  }
  check(pipe2(fds, O_CLOEXEC) == 0);
  pthread_mutex_lock(&lock);
  pthread_t thread;
  start_thread(&thread, locker, NULL);
  start_thread(&thread, reader, NULL);
  while (ready < 2) sched_yield();
  sleep_milliseconds(5);
  char *again[] = {argv[0], "again", NULL};
  execv("/proc/self/exe", again);
  check(!"execv returned");
}
