// FUTEX_WAIT_BITSET with an absolute time, and priority-inheriting futexes.
#include "check.h"
#include <linux/futex.h>

static atomic_int word, lock;

static void *waiter(void *bits) {
  long result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, (int)(intptr_t)bits);
  check(result == 0);
  return bits;
}

static void *locker(void *unused) {
  check(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
  check((lock & FUTEX_TID_MASK) == thread_id());
  check(syscall(SYS_futex, &lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  return unused;
}

int main(void) {
  pthread_t one, two;
  start_thread(&one, waiter, (void *)1);
  start_thread(&two, waiter, (void *)2);
  while (syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 2) == 0) sched_yield();
  join_thread(two);
  while (syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 1) == 0) sched_yield();
  join_thread(one);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  now.tv_nsec += 3000000;
  if (now.tv_nsec >= 1000000000) now.tv_sec++, now.tv_nsec -= 1000000000;
  check_fails(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &now, NULL, -1), ETIMEDOUT);

  check(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
  start_thread(&one, locker, NULL);
  while (!(lock & FUTEX_WAITERS)) sleep_milliseconds(1);
  check(syscall(SYS_futex, &lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  join_thread(one);
  say("lock word %x", lock);
  return succeed();
}
