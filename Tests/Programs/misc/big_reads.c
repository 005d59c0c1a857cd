// read(2), readv(2) and getrandom(2) of several MiB at once, in threads side by side.
// checksum: 50
#include "check.h"
#include <sys/random.h>
#include <sys/uio.h>

static void *body(void *argument) {
  size_t size = 3 << 20;
  char *buffer = malloc(size);
  int fd = open((char *)argument, O_RDONLY);
  check(fd >= 0);
  struct iovec parts[3] = {{buffer, 1 << 20}, {buffer + (2 << 20), 1 << 20}, {buffer + (1 << 20), 1 << 20}};
  check(readv(fd, parts, 3) == (ssize_t)size);
  say("thread %016lx", digest(buffer, size));
  close(fd);
  return buffer;
}

int main(void) {
  size_t size = 4 << 20;
  char *random = malloc(size);
  for (size_t done = 0; done < size;) {
    ssize_t count = getrandom(random + done, size - done, 0);
    check(count > 0);
    done += count;
  }
  make_file("big", random, size);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) start_thread(&threads[i], body, i == 2 ? "/dev/urandom" : "big");
  for (int i = 0; i < 3; i++) free(join_thread(threads[i]));
  char *copy = malloc(size);
  int fd = open("big", O_RDONLY);
  check(read(fd, copy, size) == (ssize_t)size && memcmp(copy, random, size) == 0);
  say("content %016lx", digest(copy, size));
  unlink("big");
  return succeed();
}
