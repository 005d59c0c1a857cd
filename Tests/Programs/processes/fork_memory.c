// Parent and child write the same private pages after fork(2): copy on write keeps them apart.
#include "check.h"

static unsigned char pages[64][4096];

int main(void) {
  for (int i = 0; i < 64; i++) memset(pages[i], i, 4096);
  int fds[2];
  check(pipe(fds) == 0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 64; i++) memset(pages[i], i + 1, 2048);
    uint64_t hash = digest(pages, sizeof pages);
    check(write(fds[1], &hash, 8) == 8);
    _exit(0);
  }
  for (int i = 0; i < 64; i += 2) memset(pages[i], 200, 100);
  uint64_t theirs;
  check(read(fds[0], &theirs, 8) == 8);
  say("parent %016lx child %016lx", digest(pages, sizeof pages), theirs);
  expect_exit(child, 0);
  return succeed();
}
