// A bounded queue between producers and consumers, with a condition variable each way and a timed wait.
// checksum: 20
#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static int queue[4], count, produced;
static long consumed;

static void *producer(void *argument) {
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&lock);
    while (count == 4) pthread_cond_wait(&emptied, &lock);
    queue[count++] = ++produced;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
  }
  return argument;
}

static void *consumer(void *argument) {
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&lock);
    while (count == 0) pthread_cond_wait(&filled, &lock);
    consumed += queue[--count];
    pthread_cond_broadcast(&emptied);
    pthread_mutex_unlock(&lock);
  }
  return argument;
}

int main(void) {
  pthread_t threads[6];
  for (int i = 0; i < 6; i++) start_thread(&threads[i], i % 2 ? producer : consumer, NULL);
  for (int i = 0; i < 6; i++) join_thread(threads[i]);
  check(consumed == 150 * 151 / 2);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 2000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&lock);
  check(pthread_cond_timedwait(&filled, &lock, &until) == ETIMEDOUT);
  pthread_mutex_unlock(&lock);
  say("waited until %ld.%09ld", until.tv_sec, until.tv_nsec);
  return succeed();
}
