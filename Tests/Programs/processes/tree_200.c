// 200 processes in a tree, all alive at once, released together.
// checksum: 200
#include "check.h"

static int release_pipe[2], report_pipe[2];

static void grow(int first, int count) {
  // Processes first..<first+count hang below the caller, in two halves.
  for (int half = 0; half < 2; half++) {
    int start = half == 0 ? first : first + count / 2;
    int size = half == 0 ? count / 2 : count - count / 2;
    if (size == 0) continue;
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
      int pair[2] = {start, getpid()};
      check(write(report_pipe[1], pair, sizeof pair) == sizeof pair);
      grow(start + 1, size - 1);
      char byte;
      close(release_pipe[1]);
      check(read(release_pipe[0], &byte, 1) == 0);
      while (wait(NULL) > 0) {}
      _exit(0);
    }
  }
}

int main(void) {
  check(pipe(release_pipe) == 0 && pipe(report_pipe) == 0);
  grow(0, 200);
  long sum = 0;
  bool seen[200] = {0};
  for (int i = 0; i < 200; i++) {
    int pair[2];
    check(read(report_pipe[0], pair, sizeof pair) == sizeof pair);
    check(!seen[pair[0]]);
    seen[pair[0]] = true;
    sum += pair[1];
  }
  close(release_pipe[1]);
  while (wait(NULL) > 0) {}
  say("sum of ids %ld", sum);
  return succeed();
}
