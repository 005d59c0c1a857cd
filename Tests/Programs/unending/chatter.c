// Says a numbered line for every step, each after some system calls and some memory, for a given number of steps.
#include "check.h"

int main(int argc, char **argv) {
  long steps = argc > 1 ? atol(argv[1]) : 1000000;
  char *memory = NULL;
  size_t size = 0;
  for (long i = 0; i < steps; i++) {
    size += 4096;
    memory = realloc(memory, size);
    memset(memory + size - 4096, (int)i, 4096);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (i % 50 == 49) {
      pid_t child = fork();
      if (child == 0) _exit(7);
      expect_exit(child, 7);
    }
    if (size > 1 << 20) {
      free(memory);
      memory = NULL;
      size = 0;
    }
    say("step %ld at %ld.%09ld", i, now.tv_sec, now.tv_nsec);
  }
  return succeed();
}
