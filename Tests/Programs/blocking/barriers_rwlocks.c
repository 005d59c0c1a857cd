// Barriers, read-write locks and semaphores of threads.
#include "check.h"
#include <semaphore.h>

static pthread_barrier_t barrier;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;
static int value, serial;
static atomic_int inside;

static void *body(void *argument) {
  for (int i = 0; i < 20; i++) {
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serial++;
    pthread_rwlock_wrlock(&lock);
    value++;
    pthread_rwlock_unlock(&lock);
    pthread_rwlock_rdlock(&lock);
    check(value > i);
    pthread_rwlock_unlock(&lock);
    check(sem_wait(&semaphore) == 0);
    check(++inside <= 2);
    sched_yield();
    inside--;
    sem_post(&semaphore);
  }
  return argument;
}

int main(void) {
  pthread_barrier_init(&barrier, NULL, 5);
  check(sem_init(&semaphore, 0, 2) == 0);
  pthread_t threads[5];
  for (int i = 0; i < 5; i++) start_thread(&threads[i], body, NULL);
  for (int i = 0; i < 5; i++) join_thread(threads[i]);
  check(value == 100 && serial == 20);
  check(sem_wait(&semaphore) == 0 && sem_wait(&semaphore) == 0);
  check_fails(sem_trywait(&semaphore), EAGAIN);
  return succeed();
}
