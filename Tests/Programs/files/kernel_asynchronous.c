// Linux's own asynchronous input and output: io_setup(2), io_submit(2), io_getevents(2), or a clear refusal.
#include "check.h"
#include <linux/aio_abi.h>

int main(void) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 8, &context) != 0) {
    say("refused: %s", strerror(errno));
    return succeed();
  }
  char content[4096], buffer[4096] = {0};
  memset(content, 'q', sizeof content);
  make_file("file", content, sizeof content);
  int fd = open("file", O_RDONLY);
  struct iocb request = {.aio_data = 99, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd,
                         .aio_buf = (uintptr_t)buffer, .aio_nbytes = sizeof buffer};
  struct iocb *list[] = {&request};
  check(syscall(SYS_io_submit, context, 1, list) == 1);
  struct io_event event;
  check(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
  check(event.data == 99 && event.res == 4096 && memcmp(buffer, content, 4096) == 0);
  check(syscall(SYS_io_destroy, context) == 0);
  unlink("file");
  return succeed();
}
