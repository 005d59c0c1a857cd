// Threads fight over mutexes of several kinds; the sum comes out right.
// checksum: 20
#include "check.h"

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, recursive;
static long sum;

static void *adder(void *argument) {
  for (int i = 0; i < 200; i++) {
    pthread_mutex_lock(&plain);
    long value = sum;
    if (i % 20 == 0) sched_yield();
    sum = value + 1;
    pthread_mutex_unlock(&plain);
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    pthread_mutex_unlock(&recursive);
    pthread_mutex_unlock(&recursive);
  }
  return argument;
}

int main(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&recursive, &attributes);
  pthread_t threads[6];
  for (int i = 0; i < 6; i++) start_thread(&threads[i], adder, NULL);
  for (int i = 0; i < 6; i++) join_thread(threads[i]);
  check(sum == 1200);
  pthread_mutex_lock(&plain);
  check(pthread_mutex_trylock(&plain) == EBUSY);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  check(pthread_mutex_timedlock(&plain, &until) == ETIMEDOUT);
  return succeed();
}
