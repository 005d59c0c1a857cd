// write(2), pwrite(2), ftruncate(2), copy_file_range(2), sendfile(2) and fallocate(2) into a file that is mapped
// shared.
#include "check.h"
#include <sys/sendfile.h>

int main(void) {
  size_t page = page_size();
  make_file("source", "from another file", 17);
  int fd = open("file", O_CREAT | O_RDWR, 0644), source = open("source", O_RDONLY);
  check(ftruncate(fd, 4 * page) == 0);
  volatile char *mapped = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(mapped != MAP_FAILED);
  check(write(fd, "write", 5) == 5 && mapped[4] == 'e');
  check(pwrite(fd, "pwrite", 6, page) == 6 && mapped[page] == 'p');
  check(lseek(fd, 2 * page, SEEK_SET) == (off_t)(2 * page));
  check(sendfile(fd, source, NULL, 17) == 17 && mapped[2 * page + 16] == 'e');
  loff_t in = 5, out = 3 * page;
  ssize_t copied = copy_file_range(source, &in, fd, &out, 7, 0);
  check(copied == 7 ? mapped[3 * page] == 'a' : copied == -1);
  pid_t child = fork();
  if (child == 0) {
    check(pwrite(fd, "child", 5, 100) == 5);
    _exit(0);
  }
  expect_exit(child, 0);
  check(mapped[104] == 'd');
  mapped[200] = 'm';
  char byte;
  check(pread(fd, &byte, 1, 200) == 1 && byte == 'm');
  check(ftruncate(fd, page + 3) == 0 && mapped[page + 2] == 'r' && mapped[page + 3] == 0);
  check(ftruncate(fd, 4 * page) == 0 && mapped[2 * page] == 0);
  check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, page) == 0 ? mapped[0] == 0 : 1);
  say("%016lx", digest((char *)mapped, 4 * page));
  unlink("file");
  unlink("source");
  return succeed();
}
