// read(2), readv(2), recv(2), getrandom(2) and getcwd(2) put their results straight into shared memory.
#include "check.h"
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void) {
  size_t page = page_size();
  char *shared = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int fd = memfd_create("other", 0);
  check(shared != MAP_FAILED && ftruncate(fd, page) == 0);
  char *first = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *second = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
  int random = open("/dev/urandom", O_RDONLY), sockets[2];
  check(read(random, shared, 2 * page) == (ssize_t)(2 * page));
  check(read(random, first, page) == (ssize_t)page && memcmp(first, second, page) == 0);
  struct iovec parts[2] = {{shared + 3 * page - 10, 20}, {shared + 5 * page, 100}};
  check(readv(random, parts, 2) == 120);
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  pid_t child = fork();
  if (child == 0) {
    check(send(sockets[1], shared, 500, 0) == 500);
    check(getrandom(shared + 6 * page, 300, 0) == 300);
    check(send(sockets[1], "k", 1, 0) == 1);
    _exit(0);
  }
  check(recv(sockets[0], shared + 4 * page, 500, MSG_WAITALL) == 500);
  check(memcmp(shared, shared + 4 * page, 500) == 0);
  char byte;
  check(read(sockets[0], &byte, 1) == 1);
  check(getcwd(shared + 7 * page, page));
  say("%016lx %016lx", digest(shared, 8 * page), digest(second, page));
  expect_exit(child, 0);
  return succeed();
}
