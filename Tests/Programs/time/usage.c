// times(2), getrusage(2), clock(3): processor time of the process, its threads and its children.
#include "check.h"
#include <sys/resource.h>
#include <sys/times.h>

int main(void) {
  volatile long work = 0;
  for (int i = 0; i < 3000000; i++) work += i;
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3000000; i++) work += i;
    _exit(0);
  }
  expect_exit(child, 0);
  struct tms own;
  clock_t elapsed = times(&own);
  check(elapsed != (clock_t)-1);
  say("times %ld: %ld %ld %ld %ld", elapsed, own.tms_utime, own.tms_stime, own.tms_cutime, own.tms_cstime);
  int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD};
  for (int i = 0; i < 3; i++) {
    struct rusage usage;
    check(getrusage(whose[i], &usage) == 0);
    say("%d: %ld.%06ld %ld.%06ld, %ld KiB, %ld faults, %ld switches", whose[i], usage.ru_utime.tv_sec,
        usage.ru_utime.tv_usec, usage.ru_stime.tv_sec, usage.ru_stime.tv_usec, usage.ru_maxrss, usage.ru_minflt,
        usage.ru_nvcsw);
  }
  clockid_t clock_of_thread;
  struct timespec now;
  check(pthread_getcpuclockid(pthread_self(), &clock_of_thread) == 0 && clock_gettime(clock_of_thread, &now) == 0);
  say("thread %ld.%09ld, clock %ld", now.tv_sec, now.tv_nsec, clock());
  return succeed();
}
