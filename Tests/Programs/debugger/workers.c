// As many threads as the first argument says, each of which has work of its own.
// compile: -O0
#include "check.h"

static __thread int own;
static int shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int work(int number) {
  own = number * 100;
  for (int i = 0; i < 10; i++) own++;
  return own;
}

void add(int amount) {
  pthread_mutex_lock(&lock);
  shared += amount;
  pthread_mutex_unlock(&lock);
}

static void *run(void *argument) {
  int result = work((int)(long)argument);
  add(result);
  return NULL;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 3;
  pthread_t others[16];
  check(threads >= 1 && threads <= 16);
  for (int i = 1; i < threads; i++) start_thread(&others[i], run, (void *)(long)i);
  run((void *)0);
  for (int i = 1; i < threads; i++) join_thread(others[i]);
  check(shared == threads * (threads - 1) / 2 * 100 + threads * 10);
  say("%d threads: %d", threads, shared);
  return succeed();
}
