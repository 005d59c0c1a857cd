// mprotect(2) takes rights away from parts; accesses fault and a handler gives them back.
#include "check.h"

static size_t page;
static char *area;
static volatile int faults;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  faults++;
  check(info->si_code == SEGV_ACCERR);
  char *address = (char *)((uintptr_t)info->si_addr & -page);
  check(mprotect(address, page, PROT_READ | PROT_WRITE) == 0);
}

int main(void) {
  page = page_size();
  area = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  handle_info(SIGSEGV, handler, 0);
  for (int i = 0; i < 16; i += 2) check(mprotect(area + i * page, page, i % 4 ? PROT_NONE : PROT_READ) == 0);
  for (int i = 0; i < 16; i++) ((volatile char *)area)[i * page] = (char)i;
  check(faults == 8);
  check_fails(mprotect(area + 1, page, PROT_READ), EINVAL);
  check(munmap(area, page) == 0);
  check_fails(mprotect(area, page, PROT_READ), ENOMEM);
  // The kernel reports memory it can't reach by EFAULT, not by a signal.
  check(mprotect(area + page, page, PROT_READ) == 0);
  int fd = open("/dev/zero", O_RDONLY);
  check_fails(read(fd, area + page, 10), EFAULT);
  check(read(fd, area + 2 * page - 0, 10) == 10);
  say("area %p", area);
  return succeed();
}
