// uname(2), sysinfo(2), gethostname(2), sysconf(3), getloadavg(3), /proc files about the machine.
#include "check.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void show(const char *path) {
  char text[200] = {0};
  int fd = open(path, O_RDONLY);
  check(fd >= 0);
  check(read(fd, text, sizeof text - 1) > 0);
  text[strcspn(text, "\n")] = 0;
  close(fd);
  say("%s: %s", path, text);
}

int main(void) {
  struct utsname name;
  struct sysinfo info;
  double load[3];
  char host[256];
  check(uname(&name) == 0 && sysinfo(&info) == 0 && getloadavg(load, 3) == 3 && gethostname(host, sizeof host) == 0);
  say("%s %s %s %s %s", name.sysname, name.nodename, name.release, name.machine, host);
  say("up %ld, load %.2f %.2f, free %lu, %d processes", info.uptime, load[0], load[1], info.freeram, info.procs);
  say("%ld of %ld processors", sysconf(_SC_NPROCESSORS_ONLN), sysconf(_SC_NPROCESSORS_CONF));
  const char *paths[] = {"/proc/uptime", "/proc/loadavg", "/proc/stat", "/proc/meminfo", "/proc/self/stat",
                         "/proc/self/status", "/proc/version", "/proc/self/cmdline"};
  for (int i = 0; i < 8; i++) show(paths[i]);
  return succeed();
}
