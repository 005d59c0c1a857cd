// Two threads lock two mutexes in opposite order and wait for each other for ever.
#include "check.h"

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *backwards(void *unused) {
  pthread_mutex_lock(&second);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&first);
  return unused;
}

int main(void) {
  pthread_barrier_init(&both, NULL, 2);
  pthread_t thread;
  start_thread(&thread, backwards, NULL);
  pthread_mutex_lock(&first);
  pthread_barrier_wait(&both);
  say("deadlocked in %d", getpid());
  pthread_mutex_lock(&second);
  check(!"got both locks");
}
