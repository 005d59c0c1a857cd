// inotify(7): events of a watched directory, with names and cookies; blocked until something happens.
#include "check.h"
#include <sys/inotify.h>

int main(void) {
  check(mkdir("watched", 0755) == 0);
  int fd = inotify_init1(IN_CLOEXEC);
  check(fd >= 0);
  int watch = inotify_add_watch(fd, "watched", IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE);
  check(watch >= 0);
  pid_t child = fork();
  if (child == 0) {
    sleep_milliseconds(3);
    make_file("watched/a", "x", 1);
    check(rename("watched/a", "watched/b") == 0);
    check(unlink("watched/b") == 0);
    _exit(0);
  }
  unsigned seen = 0;
  while (!(seen & IN_DELETE)) {
    char buffer[4096] __attribute__((aligned(8)));
    ssize_t count = read(fd, buffer, sizeof buffer);
    check(count > 0);
    for (char *at = buffer; at < buffer + count;) {
      struct inotify_event *event = (struct inotify_event *)at;
      say("%x %s cookie %u", event->mask, event->len ? event->name : "", event->cookie);
      seen |= event->mask;
      at += sizeof *event + event->len;
    }
  }
  check(seen == (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE));
  expect_exit(child, 0);
  check(inotify_rm_watch(fd, watch) == 0);
  check(rmdir("watched") == 0);
  return succeed();
}
