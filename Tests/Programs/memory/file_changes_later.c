// Files that are mapped, then rewritten, replaced and deleted: a replay needs the content as it was at each mapping.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *content = malloc(2 * page), *maps[4];
  for (int round = 0; round < 4; round++) {
    memset(content, 'a' + round, 2 * page);
    // Changes in place reach pages of a private mapping that aren't copied yet or not: mmap(2) leaves that open.
    if (round == 1) check(rename("file", "former") == 0);
    if (round > 1) check(unlink("file") == 0);
    int fd = open("file", O_CREAT | O_WRONLY, 0644);
    check(write(fd, content, 2 * page) == (ssize_t)(2 * page));
    close(fd);
    fd = open("file", O_RDONLY);
    maps[round] = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    check(maps[round] != MAP_FAILED && maps[round][5] == 'a' + round);
    close(fd);
  }
  int fd = open("former", O_WRONLY | O_TRUNC);
  check(fd >= 0 && close(fd) == 0 && unlink("file") == 0 && unlink("former") == 0);
  for (int round = 1; round < 4; round++) check(maps[round][page + 5] == 'a' + round);
  return succeed();
}
