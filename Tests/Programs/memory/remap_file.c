// mremap(2) of file mappings, private and shared: new pages come from the file.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *content = malloc(8 * page);
  for (size_t i = 0; i < 8 * page; i++) content[i] = (char)(i / page + '0');
  make_file("file", content, 8 * page);
  int fd = open("file", O_RDWR);
  char *private = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, page);
  private[0] = 'P';
  private = mremap(private, 2 * page, 5 * page, MREMAP_MAYMOVE);
  check(private != MAP_FAILED && private[0] == 'P' && private[4 * page] == '5');
  char *shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  shared = mremap(shared, page, 8 * page, MREMAP_MAYMOVE);
  check(shared != MAP_FAILED && shared[7 * page] == '7');
  shared[6 * page] = 'S';
  char byte;
  check(pread(fd, &byte, 1, 6 * page) == 1 && byte == 'S');
  say("%016lx %016lx", digest(private, 5 * page), digest(shared, 8 * page));
  unlink("file");
  return succeed();
}
