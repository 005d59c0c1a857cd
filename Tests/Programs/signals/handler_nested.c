// Handlers that raise other signals: they nest, and unwind in order.
#include "check.h"

static char order[64];
static volatile int length;

static void handler(int signal) {
  order[length++] = (char)('a' + signal - SIGRTMIN);
  if (signal < SIGRTMIN + 5) raise(signal + 1);
  order[length++] = (char)('A' + signal - SIGRTMIN);
}

int main(void) {
  for (int i = 0; i < 6; i++) handle(SIGRTMIN + i, handler, 0);
  raise(SIGRTMIN);
  check(strcmp(order, "abcdefFEDCBA") == 0);
  say("%s", order);
  return succeed();
}
