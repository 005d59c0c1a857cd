// A writer blocks on a full pipe until a reader makes room; a write bigger than the pipe goes through in pieces.
#include "check.h"

static int fds[2];
static char big[300000];

static void *writer(void *unused) {
  check(write(fds[1], big, sizeof big) == sizeof big);
  close(fds[1]);
  return unused;
}

int main(void) {
  check(pipe(fds) == 0);
  for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7);
  pthread_t thread;
  start_thread(&thread, writer, NULL);
  static char buffer[10000];
  size_t total = 0;
  ssize_t count;
  while ((count = read(fds[0], buffer, sizeof buffer)) > 0) {
    check(memcmp(buffer, big + total, count) == 0);
    total += count;
  }
  check(total == sizeof big);
  join_thread(thread);
  check(pipe2(fds, O_NONBLOCK) == 0);
  ssize_t filled = 0;
  while ((count = write(fds[1], big, 4096)) > 0) filled += count;
  check(count == -1 && errno == EAGAIN);
  say("capacity %zd", filled);
  check(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
  check(write(fds[1], big, 4096) == 4096);
  return succeed();
}
