// getrandom(2), getentropy(3), /dev/urandom, the auxiliary vector's bytes, and the uuid file.
#include "check.h"
#include <sys/auxv.h>
#include <sys/random.h>

int main(void) {
  unsigned char bytes[600];
  check(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  say("getrandom %016lx", digest(bytes, sizeof bytes));
  check(getentropy(bytes, 200) == 0);
  say("getentropy %016lx", digest(bytes, 200));
  int fd = open("/dev/urandom", O_RDONLY);
  check(read(fd, bytes, 100) == 100);
  say("urandom %016lx", digest(bytes, 100));
  say("auxiliary %016lx", digest((void *)getauxval(AT_RANDOM), 16));
  char text[64] = {0};
  fd = open("/proc/sys/kernel/random/uuid", O_RDONLY);
  check(fd >= 0 && read(fd, text, sizeof text) == 37);
  text[36] = 0;
  say("uuid %s", text);
  check_fails(syscall(SYS_getrandom, 8L, 10, 0), EFAULT);
  return succeed();
}
