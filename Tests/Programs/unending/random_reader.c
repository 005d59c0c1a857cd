// Reads random bytes, which no trace can make smaller, and says so, for ever.
#include "check.h"
#include <sys/random.h>

int main(void) {
  static unsigned char bytes[65536];
  for (long i = 0; i < 100000; i++) {
    ssize_t count = getrandom(bytes, sizeof bytes, 0);
    check(count > 0);
    say("round %ld: %016lx", i, digest(bytes, count));
  }
  return succeed();
}
