#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;
static void *body(void *unused) {
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&lock);
    for (volatile int work = 0; work < 200; work++) {}
    sum++;
    pthread_mutex_unlock(&lock);
  }
  return unused;
}
int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, body, NULL);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return printf("%ld\n", sum) < 0;
}
