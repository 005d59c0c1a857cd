// The vsyscall page: gettimeofday, time and getcpu at fixed addresses, as old static programs call them.
#include "../check.h"

int main(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  bool exists = false;
  check(maps != NULL);
  while (fgets(line, sizeof line, maps)) exists |= strstr(line, "[vsyscall]") != NULL;
  fclose(maps);
  if (!exists) {
    say("there is no vsyscall page here");
    return succeed();
  }
  int (*get_time_of_day)(struct timeval *, void *) = (void *)0xffffffffff600000;
  time_t (*get_time)(time_t *) = (void *)0xffffffffff600400;
  long (*get_cpu)(unsigned *, unsigned *, void *) = (void *)0xffffffffff600800;
  for (int i = 0; i < 3; i++) {
    struct timeval now;
    check(get_time_of_day(&now, NULL) == 0);
    time_t seconds, also = get_time(&seconds);
    check(also == seconds && seconds >= now.tv_sec && seconds <= now.tv_sec + 10);
    unsigned cpu, node;
    check(get_cpu(&cpu, &node, NULL) == 0);
    say("%ld.%06ld %ld cpu %u node %u", (long)now.tv_sec, (long)now.tv_usec, (long)seconds, cpu, node);
  }
  return succeed();
}
