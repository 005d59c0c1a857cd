// truncate(2), ftruncate(2), fallocate(2), holes with SEEK_DATA and SEEK_HOLE, and seeking everywhere.
#include "check.h"

int main(void) {
  int fd = open("file", O_CREAT | O_RDWR, 0600);
  check(ftruncate(fd, 1 << 20) == 0 && truncate("file", 1 << 19) == 0);
  check(pwrite(fd, "data", 4, 200000) == 4);
  check(lseek(fd, 0, SEEK_END) == 1 << 19 && lseek(fd, -100, SEEK_CUR) == (1 << 19) - 100);
  check(lseek(fd, (off_t)1 << 40, SEEK_SET) == (off_t)1 << 40);
  off_t data = lseek(fd, 0, SEEK_DATA), hole = lseek(fd, 200000, SEEK_HOLE);
  check(data >= 0 && data <= 200000 && hole > 200000);
  check_fails(lseek(fd, -5, SEEK_SET), EINVAL);
  check_fails(lseek(fd, 1 << 20, SEEK_DATA), ENXIO);
  int result = fallocate(fd, 0, 0, 1 << 21);
  check(result == 0 || errno == EOPNOTSUPP);
  check(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0 && readahead(fd, 0, 4096) == 0);
  check(fsync(fd) == 0 && fdatasync(fd) == 0 && syncfs(fd) == 0);
  check(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
  check_fails(ftruncate(fd, -1), EINVAL);
  struct stat state;
  check(fstat(fd, &state) == 0);
  say("data at %ld hole at %ld blocks %ld", data, hole, state.st_blocks);
  unlink("file");
  return succeed();
}
