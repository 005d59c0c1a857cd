// Three threads that do nothing but compute.
#include "check.h"

static void *compute(void *argument) {
  volatile uint64_t state = (uint64_t)argument;
  for (int i = 0; i < 1000000; i++) state = state * 6364136223846793005u + 1442695040888963407u;
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  for (uint64_t i = 0; i < 3; i++) start_thread(&threads[i], compute, (void *)i);
  for (int i = 0; i < 3; i++) join_thread(threads[i]);
  return succeed();
}
