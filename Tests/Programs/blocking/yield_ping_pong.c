// Threads that spin on shared memory, yielding: each turn of the ball is a thread switch.
// checksum: 20
#include "check.h"

static atomic_int turn;
static long order;

static void *player(void *argument) {
  int me = (int)(intptr_t)argument;
  for (int i = 0; i < 50; i++) {
    while (turn % 3 != me) sched_yield();
    order = order * 31 + me;
    turn++;
  }
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  for (intptr_t i = 0; i < 3; i++) start_thread(&threads[i], player, (void *)i);
  for (int i = 0; i < 3; i++) join_thread(threads[i]);
  check(turn == 150);
  say("order %lx", order);
  return succeed();
}
