// Waits for a signal that ends it.
#include "check.h"

int main(void) {
  say("waiting in %d", getpid());
  for (;;) pause();
}
