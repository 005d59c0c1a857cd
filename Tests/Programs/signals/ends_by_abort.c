// abort(3) ends the program after its last line, past a handler that returns.
// ends by signal: 6
#include "check.h"
#include <sys/resource.h>

static void handler(int signal) { say("handler of %d in %d", signal, getpid()); succeed(); }

int main(void) {
  struct rlimit none = {0, 0};
  check(setrlimit(RLIMIT_CORE, &none) == 0);
  handle(SIGABRT, handler, 0);
  abort();
}
