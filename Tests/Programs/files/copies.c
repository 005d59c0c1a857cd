// sendfile(2), splice(2), tee(2), vmsplice(2) and copy_file_range(2).
#include "check.h"
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void) {
  char content[10000], buffer[10000];
  for (size_t i = 0; i < sizeof content; i++) content[i] = (char)(i * 3);
  make_file("source", content, sizeof content);
  int source = open("source", O_RDONLY), target = open("target", O_CREAT | O_RDWR, 0600), one[2], two[2], sockets[2];
  check(pipe(one) == 0 && pipe(two) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  off_t offset = 100;
  check(sendfile(sockets[0], source, &offset, 500) == 500 && offset == 600);
  check(recv(sockets[1], buffer, 500, MSG_WAITALL) == 500 && memcmp(buffer, content + 100, 500) == 0);
  loff_t in = 1000;
  check(splice(source, &in, one[1], NULL, 3000, 0) == 3000 && in == 4000);
  check(tee(one[0], two[1], 3000, 0) == 3000);
  check(read(two[0], buffer, 3000) == 3000 && memcmp(buffer, content + 1000, 3000) == 0);
  loff_t out = 50;
  check(splice(one[0], NULL, target, &out, 3000, SPLICE_F_MOVE) == 3000);
  check(pread(target, buffer, 3000, 50) == 3000 && memcmp(buffer, content + 1000, 3000) == 0);
  struct iovec part = {content, 700};
  // A recorder may refuse this one: the pipe holds the program's own pages, which go on changing.
  if (vmsplice(one[1], &part, 1, 0) == 700) {
    check(read(one[0], buffer, 700) == 700 && memcmp(buffer, content, 700) == 0);
  } else {
    check(errno == ENOSYS);
  }
  in = 0, out = 5000;
  ssize_t copied = copy_file_range(source, &in, target, &out, 4000, 0);
  check(copied == 4000 || copied == -1);
  if (copied == 4000) {
    check(in == 4000 && pread(target, buffer, 4000, 5000) == 4000 && memcmp(buffer, content, 4000) == 0);
  }
  check_fails(splice(source, NULL, target, NULL, 10, 0), EINVAL);
  unlink("source");
  unlink("target");
  return succeed();
}
