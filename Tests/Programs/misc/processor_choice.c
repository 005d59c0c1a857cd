// getcpu(2), sched_getcpu(3) and affinity: which processor we run on, and may run on.
#include "check.h"

static void *body(void *unused) {
  unsigned processor, node;
  check(syscall(SYS_getcpu, &processor, &node, NULL) == 0);
  say("thread on %u of node %u", processor, node);
  return unused;
}

int main(void) {
  cpu_set_t set, one;
  check(sched_getaffinity(0, sizeof set, &set) == 0);
  for (int i = 0; i < 5; i++) {
    int processor = sched_getcpu();
    check(processor >= 0);
    say("on %d of %d", processor, CPU_COUNT(&set));
    sched_yield();
  }
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE; i++) {
    if (!CPU_ISSET(i, &set)) continue;
    CPU_SET(i, &one);
    break;
  }
  check(sched_setaffinity(0, sizeof one, &one) == 0);
  pthread_t thread;
  start_thread(&thread, body, NULL);
  join_thread(thread);
  CPU_ZERO(&one);
  check_fails(sched_setaffinity(0, sizeof one, &one), EINVAL);
  check(pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0);
  return succeed();
}
