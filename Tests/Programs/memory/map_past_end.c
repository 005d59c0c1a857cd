// A file mapping longer than its file: SIGBUS behind the last page, zeros in its rest.
#include "check.h"
#include <setjmp.h>

static sigjmp_buf back;
static void *volatile fault;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  fault = info->si_addr;
  siglongjmp(back, signal);
}

int main(void) {
  size_t page = page_size();
  make_file("file", "short", 5);
  int fd = open("file", O_RDWR);
  char *mapped = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(mapped != MAP_FAILED && mapped[4] == 't' && mapped[5] == 0 && mapped[page - 1] == 0);
  handle_info(SIGBUS, handler, 0);
  if (sigsetjmp(back, 1) == 0) {
    mapped[page + 10] = 1;
    check(!"no SIGBUS");
  }
  check(fault == mapped + page + 10);
  check(ftruncate(fd, 2 * page) == 0);
  mapped[page + 10] = 1;
  check(ftruncate(fd, 100) == 0);
  if (sigsetjmp(back, 1) == 0) {
    check(mapped[page + 10] == 77);
    check(!"no SIGBUS after the file was cut");
  }
  say("fault at %p", fault);
  unlink("file");
  return succeed();
}
