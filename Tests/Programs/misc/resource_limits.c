// getrlimit(2), setrlimit(2), prlimit(2): what they say and what they enforce.
#include "check.h"
#include <sys/resource.h>

static volatile int seen;
static void handler(int signal) { seen = signal; }

int main(void) {
  struct rlimit limit, old;
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    check(getrlimit(i, &limit) == 0);
    say("%d: %lu %lu", i, limit.rlim_cur, limit.rlim_max);
  }
  check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = 20;
  check(prlimit(0, RLIMIT_NOFILE, &limit, &old) == 0);
  int fds = 0;
  while (dup(0) >= 0) fds++;
  check(errno == EMFILE && fds > 0 && fds < 20);
  for (int fd = 3; fd < 20; fd++) close(fd);
  handle(SIGXFSZ, handler, 0);
  limit = (struct rlimit){1000, RLIM_INFINITY};
  check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  int fd = open("file", O_CREAT | O_WRONLY, 0600);
  char block[800] = {0};
  check(write(fd, block, 800) == 800 && write(fd, block, 800) == 200);
  check_fails(write(fd, block, 1), EFBIG);
  check(seen == SIGXFSZ);
  pid_t child = fork();
  if (child == 0) {
    limit = (struct rlimit){64 << 20, 64 << 20};
    check(setrlimit(RLIMIT_AS, &limit) == 0);
    check_fails((long)mmap(NULL, 1 << 28, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    _exit(0);
  }
  expect_exit(child, 0);
  unlink("file");
  return succeed();
}
