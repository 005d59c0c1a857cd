// Code on the stack: trampolines of nested functions, beside variables, calls' frames and signal frames.
// compile: -z execstack
#include "emit.h"

static volatile int handled;
static void handler(int signal) { handled += signal; }

static int apply(int (*body)(int), int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) sum += body(i);
  return sum;
}

static int deep(int depth, int (*body)(int)) {
  volatile char room[600];
  memset((void *)room, depth, sizeof room);
  int here = 0;
  int nested(int x) {
    here++;
    return body(x) + room[1];
  }
  int result = depth ? deep(depth - 1, nested) : apply(nested, 5);
  check(here == 5);
  return result;
}

int main(void) {
  int calls = 0;
  int adds(int x) {
    calls++;
    if (x % 7 == 0) check(raise(SIGUSR1) == 0);
    return x + calls;
  }
  handle(SIGUSR1, handler, 0);
  check(apply(adds, 100) == 99 * 50 + 101 * 50);
  check(handled == 15 * SIGUSR1);
  int sum = deep(20, adds);
  check(calls == 105);
  // The kernel writes right beside it.
  int pipes[2];
  check(pipe(pipes) == 0);
  for (int i = 0; i < 20; i++) {
    char buffer[16];
    struct timespec now;
    int nested(int x) { return x + buffer[0] + calls; }
    char byte = (char)i;
    check(write(pipes[1], &byte, 1) == 1 && read(pipes[0], buffer, sizeof buffer) == 1);
    check(apply(nested, 2) == 1 + 2 * i + 2 * 105);
    check(syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) == 0);
    struct stat status;
    check(fstat(pipes[0], &status) == 0 && S_ISFIFO(status.st_mode));
    check(apply(nested, 2) == 1 + 2 * i + 2 * 105);
  }
  say("sum %d", sum);
  return succeed();
}
