// futex(2): a waiter is woken, a wrong value isn't waited for, and a wake without waiters counts none.
#include "check.h"
#include <linux/futex.h>

static atomic_int word;

static long futex(atomic_int *address, int operation, int value, const struct timespec *timeout) {
  return syscall(SYS_futex, address, operation, value, timeout, NULL, 0);
}

static void *waiter(void *unused) {
  while (word == 0) {
    long result = futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL);
    check(result == 0 || errno == EAGAIN || errno == EINTR);
  }
  return unused;
}

int main(void) {
  check(futex(&word, FUTEX_WAKE, 1, NULL) == 0);
  check_fails(futex(&word, FUTEX_WAIT, 1, NULL), EAGAIN);
  struct timespec short_time = {0, 2000000};
  check_fails(futex(&word, FUTEX_WAIT, 0, &short_time), ETIMEDOUT);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) start_thread(&threads[i], waiter, NULL);
  sleep_milliseconds(5);
  word = 1;
  long woken = futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL);
  check(woken >= 0 && woken <= 3);
  for (int i = 0; i < 3; i++) join_thread(threads[i]);
  say("woken %ld", woken);
  return succeed();
}
