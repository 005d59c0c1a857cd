// A file that is mapped privately, then rewritten in place: pages that were not copied yet show the new bytes.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *content = malloc(2 * page), *maps[4];
  for (int round = 0; round < 4; round++) {
    memset(content, 'a' + round, 2 * page);
    if (round == 2) unlink("file");
    int fd = open("file", O_CREAT | O_WRONLY, 0644);
    check(write(fd, content, 2 * page) == (ssize_t)(2 * page));
    close(fd);
    fd = open("file", O_RDONLY);
    maps[round] = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    check(maps[round] != MAP_FAILED && maps[round][5] == 'a' + round);
    close(fd);
  }
  check(maps[2][0] == 'd' && maps[3][0] == 'd');
  say("first %c %c", maps[0][0], maps[1][0]);
  unlink("file");
  return succeed();
}
