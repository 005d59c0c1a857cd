// FUTEX_CMP_REQUEUE moves waiters to another word; FUTEX_WAKE_OP changes a second word while it wakes.
#include "check.h"
#include <linux/futex.h>

static atomic_int first, second, waiting;

static void *waiter(void *unused) {
  waiting++;
  long result = syscall(SYS_futex, &first, FUTEX_WAIT, 0, NULL, NULL, 0);
  check(result == 0);
  return unused;
}

int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) start_thread(&threads[i], waiter, NULL);
  long moved = 0;
  while (moved < 4) {
    // One is woken by the first successful call; the others move.
    long result = syscall(SYS_futex, &first, FUTEX_CMP_REQUEUE, 0, 10L, &second, 0);
    check(result >= 0);
    moved += result;
    sched_yield();
  }
  check_fails(syscall(SYS_futex, &first, FUTEX_CMP_REQUEUE, 1, 10L, &second, 99), EAGAIN);
  check(syscall(SYS_futex, &second, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
  int operation = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0);
  long woken = syscall(SYS_futex, &first, FUTEX_WAKE_OP, 1, 10L, &second, operation);
  check(second == 5 && woken == 3);
  for (int i = 0; i < 4; i++) join_thread(threads[i]);
  say("moved %ld woken %ld", moved, woken);
  return succeed();
}
