// Thread-local variables, keys with destructors, and once-only initialisation.
#include "check.h"

static __thread int own = 5;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int destroyed, initialised;

static void destroy(void *value) { destroyed += (int)(intptr_t)value; }
static void initialise(void) { initialised++; }

static void *body(void *argument) {
  check(own == 5);
  own += (int)(intptr_t)argument;
  check(pthread_setspecific(key, argument) == 0);
  check(pthread_once(&once, initialise) == 0);
  sched_yield();
  check(own == 5 + (int)(intptr_t)argument);
  say("own at %p", (void *)&own);
  return NULL;
}

int main(void) {
  check(pthread_key_create(&key, destroy) == 0);
  pthread_t threads[6];
  for (intptr_t i = 0; i < 6; i++) start_thread(&threads[i], body, (void *)(i + 1));
  for (int i = 0; i < 6; i++) join_thread(threads[i]);
  check(destroyed == 21 && initialised == 1);
  return succeed();
}
