// 500 threads alive at once.
// checksum: none
#include "check.h"

static pthread_barrier_t barrier;
static atomic_long sum;

static void *body(void *argument) {
  pthread_barrier_wait(&barrier);
  sum += (intptr_t)argument + thread_id();
  return NULL;
}

int main(void) {
  static pthread_t threads[500];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_barrier_init(&barrier, NULL, 501);
  for (intptr_t i = 0; i < 500; i++) check(pthread_create(&threads[i], &attributes, body, (void *)i) == 0);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 500; i++) join_thread(threads[i]);
  say("sum %ld", sum);
  return succeed();
}
