// Priority-inheriting mutexes of pthreads, contended by three threads.
#include "check.h"

static pthread_mutex_t mutex;
static int count;

static void *body(void *unused) {
  for (int i = 0; i < 50; i++) {
    check(pthread_mutex_lock(&mutex) == 0);
    int before = count;
    sched_yield();
    count = before + 1;
    check(pthread_mutex_unlock(&mutex) == 0);
  }
  return unused;
}

int main(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  check(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
  check(pthread_mutex_init(&mutex, &attributes) == 0);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) start_thread(&threads[i], body, NULL);
  for (int i = 0; i < 3; i++) join_thread(threads[i]);
  check(count == 150);
  say("count %d", count);
  return succeed();
}
