// rdtsc and rdtscp in all forms of use: plain, in a loop, in threads, in a signal handler.
#include "check.h"
#include <x86intrin.h>

static volatile uint64_t in_handler;
static void handler(int signal) { (void)signal; in_handler = __rdtsc(); }

static void *body(void *unused) {
  uint64_t hash = 0, last = 0;
  for (int i = 0; i < 50; i++) {
    uint64_t now = __rdtsc();
    check(now > last);
    last = now;
    hash = hash * 31 + now;
  }
  say("thread %016lx", hash);
  return unused;
}

int main(void) {
  unsigned processor;
  uint64_t first = __rdtsc(), second = __rdtscp(&processor);
  check(second > first);
  say("%lu %lu on %x", first, second, processor);
  handle(SIGUSR1, handler, 0);
  raise(SIGUSR1);
  check(in_handler > second);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) start_thread(&threads[i], body, NULL);
  for (int i = 0; i < 2; i++) join_thread(threads[i]);
  pid_t child = fork();
  if (child == 0) {
    check(__rdtsc() > second);
    _exit(0);
  }
  expect_exit(child, 0);
  return succeed();
}
