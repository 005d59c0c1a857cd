// The main thread ends before the others: the process lives on, a zombie leader, until the last thread ends.
#include "check.h"

static pthread_t main_thread;

static void *body(void *unused) {
  join_thread(main_thread);
  sleep_milliseconds(5);
  char byte;
  char path[64];
  sprintf(path, "/proc/%d/stat", getpid());
  int fd = open(path, O_RDONLY);
  check(fd >= 0 && read(fd, &byte, 1) == 1);
  say("leader is gone, thread %d of process %d goes on", thread_id(), getpid());
  exit(succeed());
  return unused;
}

int main(void) {
  main_thread = pthread_self();
  pthread_t thread;
  start_thread(&thread, body, NULL);
  pthread_exit(NULL);
}
