// Reading standard input to its end, with read(2) and stdio.
#include "check.h"

int main(void) {
  char buffer[4096];
  size_t total = 0;
  ssize_t count;
  uint64_t hash = 0;
  while ((count = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
    hash = hash * 31 + digest(buffer, count);
    total += count;
  }
  check(count == 0);
  check(fgetc(stdin) == EOF);
  say("%zu bytes %016lx, terminal %d", total, hash, isatty(0));
  return succeed();
}
