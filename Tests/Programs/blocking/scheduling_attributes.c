// Scheduling policies, priorities, affinity and nice values are set and read back.
#include "check.h"
#include <sys/resource.h>

int main(void) {
  struct sched_param parameters = {0};
  check(sched_getscheduler(0) == SCHED_OTHER && sched_getparam(0, &parameters) == 0);
  check(sched_setscheduler(0, SCHED_BATCH, &parameters) == 0 && sched_getscheduler(0) == SCHED_BATCH);
  check(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1);
  struct timespec interval;
  check(sched_rr_get_interval(0, &interval) == 0);
  check(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
  errno = 0;
  check(nice(2) == 7 && errno == 0);
  cpu_set_t set;
  check(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
  check(sched_setaffinity(0, sizeof set, &set) == 0);
  struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t times[3]; } attributes;
  check(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0 && attributes.nice == 7);
  say("%d processors, interval %ld", CPU_COUNT(&set), interval.tv_nsec);
  return succeed();
}
