// A pseudo-terminal: settings, window size, controlling terminal, echo, and ^C from the keyboard.
#include "check.h"
#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  check(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  char name[64];
  check(ptsname_r(master, name, sizeof name) == 0);
  struct winsize size = {33, 77, 0, 0};
  check(ioctl(master, TIOCSWINSZ, &size) == 0);
  pid_t child = fork();
  if (child == 0) {
    check(setsid() > 0);
    int slave = open(name, O_RDWR);
    check(slave >= 0 && isatty(slave));
    ioctl(slave, TIOCSCTTY, 0);
    check(tcgetpgrp(slave) == getpid());
    struct termios settings;
    check(tcgetattr(slave, &settings) == 0 && settings.c_lflag & ICANON);
    check(ioctl(slave, TIOCGWINSZ, &size) == 0 && size.ws_col == 77);
    char line[32] = {0};
    check(read(slave, line, sizeof line) == 6 && strcmp(line, "typed\n") == 0);
    check(write(slave, "ready", 5) == 5);
    for (;;) pause();
  }
  check(write(master, "typed\n", 6) == 6);
  char seen[256] = {0};
  size_t total = 0;
  while (!strstr(seen, "ready")) {
    ssize_t count = read(master, seen + total, sizeof seen - 1 - total);
    check(count > 0);
    total += count;
  }
  check(write(master, "\003", 1) == 1);
  expect_killed(child, SIGINT);
  say("%s: %zu bytes", name, total);
  return succeed();
}
