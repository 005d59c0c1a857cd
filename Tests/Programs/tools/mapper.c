// Maps the files it is given, and prints the first bytes of each.
// compile: -static
#include "check.h"

int main(int count, char **arguments) {
  for (int index = 1; index < count; index++) {
    int file = open(arguments[index], O_RDONLY);
    check(file >= 0);
    const unsigned char *bytes = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    check(bytes != MAP_FAILED);
    close(file);
    say("%s: %02x %02x %02x %02x", arguments[index], bytes[0], bytes[1], bytes[2], bytes[3]);
  }
  say("pid %d", getpid());
  return succeed();
}
