// A file of several MiB written and read in pieces of odd sizes, compared and sorted out of order.
// checksum: 20
#include "check.h"

int main(void) {
  size_t size = 3000000;
  unsigned char *content = malloc(size), *copy = malloc(size);
  unsigned state = (unsigned)getpid();
  for (size_t i = 0; i < size; i++) content[i] = (unsigned char)((state = state * 1664525 + 1013904223) >> 24);
  int fd = open("file", O_CREAT | O_RDWR, 0600);
  for (size_t done = 0, piece = 1; done < size; piece = piece * 3 % 70001 + 1) {
    if (piece > size - done) piece = size - done;
    check(write(fd, content + done, piece) == (ssize_t)piece);
    done += piece;
  }
  for (size_t i = 0; i < 30; i++) {
    size_t at = (i * 7 % 30) * 100000;
    check(pread(fd, copy + at, 100000, at) == 100000);
  }
  check(memcmp(content, copy, size) == 0);
  say("%016lx", digest(copy, size));
  unlink("file");
  return succeed();
}
