// A lost wake-up: the condition is checked without the lock. If the producer sets it and signals between the check and
// the wait, the consumer waits for a signal that has been sent. Killed by SIGABRT then.
#include "check.h"

#include <semaphore.h>

enum { ITEMS = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static sem_t wanted;
static volatile int items;

static void *produce(void *unused) {
  (void)unused;
  for (int i = 0; i < ITEMS; i++) {
    while (sem_wait(&wanted) != 0) check(errno == EINTR);
    // Making an item takes a while, so that the consumer waits long before it is there.
    sleep_milliseconds(5);
    items++;
    pthread_cond_signal(&filled);
  }
  return NULL;
}

static void consume(int number) {
  struct timespec patience;
  check(sem_post(&wanted) == 0);
  if (items >= number) return;
  check(clock_gettime(CLOCK_REALTIME, &patience) == 0);
  patience.tv_sec += 1;
  check(pthread_mutex_lock(&lock) == 0);
  int result = pthread_cond_timedwait(&filled, &lock, &patience);
  if (result == ETIMEDOUT && items >= number) abort();
  check(pthread_mutex_unlock(&lock) == 0);
}

int main(void) {
  pthread_t producer;
  check(sem_init(&wanted, 0, 0) == 0);
  start_thread(&producer, produce, NULL);
  for (int number = 1; number <= ITEMS; number++) consume(number);
  join_thread(producer);
  return succeed();
}
