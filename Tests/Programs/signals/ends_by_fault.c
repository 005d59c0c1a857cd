// The program ends by a fault in a thread after its last line.
// ends by signal: 11
#include "check.h"
#include <sys/resource.h>

static void *crash(void *unused) {
  succeed();
  *(volatile int *)24 = 1;
  return unused;
}

int main(void) {
  struct rlimit none = {0, 0};
  check(setrlimit(RLIMIT_CORE, &none) == 0);
  pthread_t thread;
  start_thread(&thread, crash, NULL);
  join_thread(thread);
}
