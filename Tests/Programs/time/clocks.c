// clock_gettime(2) of every clock, gettimeofday(2), time(2): read often enough that each reading matters.
#include "check.h"

int main(void) {
  clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                        CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
  struct timespec now, resolution;
  for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
    check(clock_gettime(clocks[i], &now) == 0 && clock_getres(clocks[i], &resolution) == 0);
    say("clock %d: %ld.%09ld by %ld", clocks[i], now.tv_sec, now.tv_nsec, resolution.tv_nsec);
  }
  struct timeval day;
  check(gettimeofday(&day, NULL) == 0);
  time_t seconds = time(NULL);
  check(seconds >= day.tv_sec && syscall(SYS_time, &seconds) == seconds);
  uint64_t hash = 0, before = 0;
  for (int i = 0; i < 100; i++) {
    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    uint64_t value = now.tv_sec * 1000000000ull + now.tv_nsec;
    check(value >= before);
    before = value;
    hash = hash * 31 + value;
  }
  say("day %ld.%06ld hash %016lx", day.tv_sec, day.tv_usec, hash);
  check_fails(clock_gettime(1234, &now), EINVAL);
  return succeed();
}
