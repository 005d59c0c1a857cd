// Opening a FIFO blocks until the other side opens it too.
#include "check.h"

int main(void) {
  check(mkfifo("fifo", 0600) == 0);
  check_fails(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
  pid_t child = fork();
  if (child == 0) {
    int fd = open("fifo", O_WRONLY);
    check(fd >= 0);
    check(dprintf(fd, "from %d\n", getpid()) > 0);
    _exit(0);
  }
  int fd = open("fifo", O_RDONLY);
  check(fd >= 0);
  char text[64] = {0};
  ssize_t count, total = 0;
  while ((count = read(fd, text + total, sizeof text - total)) > 0) total += count;
  expect_exit(child, 0);
  text[strcspn(text, "\n")] = 0;
  say("read '%s'", text);
  unlink("fifo");
  return succeed();
}
