// Fills as many mebibytes of memory as the first argument says, a quarter of it with what doesn't compress, prints, and
// goes on to look at a part.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
  size_t size = (size_t)atoi(count > 1 ? arguments[1] : "64") << 20;
  uint64_t *words = malloc(size), state = 88172645463325252u;
  for (size_t i = 0; i < size / 8; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    words[i] = i % 4 ? i : state;
  }
  puts("filled");
  fflush(stdout);
  printf("%lu\n", (unsigned long)words[size / 16]);
  return 0;
}
