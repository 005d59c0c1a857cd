// atexit(3) handlers, destructors and stdio's flush run in the order they should.
#include "check.h"

static void first(void) { printf("registered first, runs last\n"); }
static void second(void) { printf("registered second\n"); }
__attribute__((destructor)) static void destructor(void) {
  printf("destructor\nEXIT-SUCCESS\n");
}

int main(void) {
  check(atexit(first) == 0 && atexit(second) == 0);
  printf("main of %d\n", getpid());
  return 0;
}
