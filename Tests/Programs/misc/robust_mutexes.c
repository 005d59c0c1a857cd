// Robust mutexes: their owner, a thread or a process, dies; the next one learns of it.
#include "check.h"

static pthread_mutex_t *lock;

static void *die(void *unused) {
  pthread_mutex_lock(lock);
  return unused;
}

int main(void) {
  lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  check(pthread_mutex_init(lock, &attributes) == 0);
  pthread_t thread;
  start_thread(&thread, die, NULL);
  join_thread(thread);
  check(pthread_mutex_lock(lock) == EOWNERDEAD);
  check(pthread_mutex_consistent(lock) == 0 && pthread_mutex_unlock(lock) == 0);
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    check(pthread_mutex_lock(lock) == 0);
    check(write(fds[1], "l", 1) == 1);
    sleep_milliseconds(5);
    raise(SIGKILL);
  }
  char byte;
  check(read(fds[0], &byte, 1) == 1);
  check(pthread_mutex_lock(lock) == EOWNERDEAD);
  expect_killed(child, SIGKILL);
  check(pthread_mutex_unlock(lock) == 0);
  check(pthread_mutex_lock(lock) == ENOTRECOVERABLE);
  return succeed();
}
