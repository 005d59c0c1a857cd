// Eight threads on one mutex, and on atomic counters.
#include "check.h"

enum { THREADS = 8, ROUNDS = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long locked;
static atomic_long added, exchanged;
static uint64_t order = 1;

static void *work(void *argument) {
  uint64_t number = (uint64_t)argument;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    locked++;
    order = order * 31 + number;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&added, 1);
    long seen = exchanged;
    while (!atomic_compare_exchange_weak(&exchanged, &seen, seen + 1)) {}
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) start_thread(&threads[i], work, (void *)i);
  for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
  check(locked == THREADS * ROUNDS && added == locked && exchanged == locked);
  say("order %016lx", (unsigned long)order);
  return succeed();
}
