// readv, writev, preadv, pwritev, preadv2 and pwritev2: pieces of all sizes, empty ones too, and short results.
#include "check.h"
#include <sys/uio.h>

int main(void) {
  int fd = open("file", O_CREAT | O_RDWR, 0600);
  char a[10] = "aaaaaaaaa", b[20] = "bbbbbbbbbbbbbbbbbbb", c[5] = "cccc";
  struct iovec parts[4] = {{a, 10}, {NULL, 0}, {b, 20}, {c, 5}};
  check(writev(fd, parts, 4) == 35);
  check(pwritev(fd, parts, 1, 100) == 10 && lseek(fd, 0, SEEK_CUR) == 35);
  char x[15], y[1], z[200];
  memset(z, 'z', sizeof z);
  struct iovec in[3] = {{x, 15}, {y, 1}, {z, 200}};
  check(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 3) == 110);
  check(x[0] == 'a' && x[14] == 'b' && y[0] == 'b' && z[93] == 0 && z[94] == 'z');
  check(preadv(fd, in, 2, 5) == 16 && x[0] == 'a' && x[5] == 'b');
  check(preadv2(fd, in, 1, -1, 0) == 0);
  check(pwritev2(fd, parts, 1, 0, RWF_APPEND) == 10 || errno == EOPNOTSUPP);
  check(pread(fd, z, 10, 30) == 10 && z[0] == 'c' && pwrite(fd, "!", 1, 30) == 1);
  check(preadv(fd, in, 3, 1000) == 0);
  check_fails(preadv(fd, in, 3, -5), EINVAL);
  unlink("file");
  return succeed();
}
