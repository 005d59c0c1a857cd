// A private file mapping: writes stay private, an offset, and the file's later changes where it was touched.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *content = malloc(5 * page);
  for (size_t i = 0; i < 5 * page; i++) content[i] = (char)(i / page + 'a');
  make_file("file", content, 5 * page);
  int fd = open("file", O_RDWR);
  char *mapped = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char *offset = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE, fd, 3 * page);
  check(mapped != MAP_FAILED && offset != MAP_FAILED && offset[0] == 'd');
  mapped[0] = 'X';
  mapped[2 * page] = 'Y';
  char byte;
  check(pread(fd, &byte, 1, 0) == 1 && byte == 'a');
  close(fd);
  unlink("file");
  check(mapped[page] == 'b' && mapped[4 * page] == 'e');
  say("%p %016lx %016lx", mapped, digest(mapped, 5 * page), digest(offset, 2 * page));
  return succeed();
}
