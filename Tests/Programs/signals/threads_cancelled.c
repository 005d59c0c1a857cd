// pthread_cancel(3) of threads blocked in read, nanosleep and a condition, with cleanup handlers; asynchronous too.
#include "check.h"

static int fds[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static atomic_int cleaned, ready;

static void clean(void *argument) {
  cleaned += (int)(intptr_t)argument;
  if ((intptr_t)argument == 4) pthread_mutex_unlock(&lock);
}

static void *body(void *argument) {
  char byte;
  pthread_cleanup_push(clean, argument);
  ready++;
  switch ((intptr_t)argument) {
  case 1: (void)!read(fds[0], &byte, 1); break;
  case 2: sleep(1000); break;
  case 3:
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) sched_yield();
  case 4:
    pthread_mutex_lock(&lock);
    for (;;) pthread_cond_wait(&never, &lock);
  }
  pthread_cleanup_pop(1);
  return NULL;
}

int main(void) {
  check(pipe(fds) == 0);
  pthread_t threads[4];
  for (intptr_t i = 0; i < 4; i++) start_thread(&threads[i], body, (void *)(i + 1));
  while (ready < 4) sched_yield();
  sleep_milliseconds(3);
  for (int i = 0; i < 4; i++) {
    check(pthread_cancel(threads[i]) == 0);
    check(join_thread(threads[i]) == PTHREAD_CANCELED);
  }
  check(cleaned == 10);
  return succeed();
}
