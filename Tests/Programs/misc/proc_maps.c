// /proc/self/maps shows the program its own memory: reading it gives the same at replay.
#include "check.h"

int main(void) {
  for (int round = 0; round < 2; round++) {
    char *area = mmap(NULL, 3 << 12, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(area != MAP_FAILED);
    FILE *maps = fopen("/proc/self/maps", "r");
    check(maps);
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (getline(&line, &size, maps) > 0) {
      line[strcspn(line, "\n")] = 0;
      say("%s", line);
      unsigned long start, end;
      check(sscanf(line, "%lx-%lx", &start, &end) == 2);
      found |= start <= (uintptr_t)area && (uintptr_t)area < end;
    }
    check(found);
    fclose(maps);
    free(line);
  }
  return succeed();
}
