// Detached threads end on their own and their stacks are used again.
#include "check.h"
#include <semaphore.h>

static sem_t done;

static void *body(void *argument) {
  sem_post(&done);
  return argument;
}

int main(void) {
  check(sem_init(&done, 0, 0) == 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    check(pthread_create(&thread, &attributes, body, NULL) == 0);
    if (i % 10 == 0) say("handle %lx", (unsigned long)thread);
    check(sem_wait(&done) == 0);
  }
  return succeed();
}
