// POSIX asynchronous input and output: glibc's threads behind aio_read(3), lio_listio(3) and a notification.
#include "check.h"
#include <aio.h>

static atomic_int notified;
static void notify(union sigval value) { notified += value.sival_int; }

int main(void) {
  make_file("file", "asynchronous content", 20);
  int fd = open("file", O_RDWR);
  char buffer[32] = {0};
  struct aiocb request = {.aio_fildes = fd, .aio_buf = buffer, .aio_nbytes = 20};
  request.aio_sigevent.sigev_notify = SIGEV_THREAD;
  request.aio_sigevent.sigev_notify_function = notify;
  request.aio_sigevent.sigev_value.sival_int = 3;
  check(aio_read(&request) == 0);
  const struct aiocb *list[] = {&request};
  while (aio_error(&request) == EINPROGRESS) aio_suspend(list, 1, NULL);
  check(aio_return(&request) == 20 && strcmp(buffer, "asynchronous content") == 0);
  while (notified != 3) sched_yield();
  struct aiocb write_request = {.aio_fildes = fd, .aio_buf = "XY", .aio_nbytes = 2, .aio_lio_opcode = LIO_WRITE};
  struct aiocb *batch[] = {&write_request};
  check(lio_listio(LIO_WAIT, batch, 1, NULL) == 0 && aio_return(&write_request) == 2);
  check(pread(fd, buffer, 2, 0) == 2 && buffer[0] == 'X');
  unlink("file");
  return succeed();
}
