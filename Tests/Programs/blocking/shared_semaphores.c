// Semaphores, a mutex and a condition variable in memory that processes share.
#include "check.h"
#include <semaphore.h>

struct shared {
  sem_t ping, pong;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int turn, rounds;
};

int main(void) {
  struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED);
  check(sem_init(&shared->ping, 1, 0) == 0 && sem_init(&shared->pong, 1, 0) == 0);
  pthread_mutexattr_t mutex_attributes;
  pthread_condattr_t condition_attributes;
  pthread_mutexattr_init(&mutex_attributes);
  pthread_mutexattr_setpshared(&mutex_attributes, PTHREAD_PROCESS_SHARED);
  pthread_condattr_init(&condition_attributes);
  pthread_condattr_setpshared(&condition_attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->lock, &mutex_attributes);
  pthread_cond_init(&shared->changed, &condition_attributes);
  pid_t child = fork();
  int me = child == 0;
  for (int i = 0; i < 30; i++) {
    if (me) check(sem_wait(&shared->ping) == 0 && sem_post(&shared->pong) == 0);
    else check(sem_post(&shared->ping) == 0 && sem_wait(&shared->pong) == 0);
    pthread_mutex_lock(&shared->lock);
    while (shared->turn != me) pthread_cond_wait(&shared->changed, &shared->lock);
    shared->rounds++;
    shared->turn = !me;
    pthread_cond_broadcast(&shared->changed);
    pthread_mutex_unlock(&shared->lock);
  }
  if (me) _exit(0);
  expect_exit(child, 0);
  check(shared->rounds == 60);
  return succeed();
}
