// SIGSEGV handlers that map the missing page and return: the access is tried again and works.
#include "check.h"

static size_t page;
static volatile int faults;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  check(info->si_code == SEGV_MAPERR);
  faults++;
  char *at = (char *)((uintptr_t)info->si_addr & -page);
  check(mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
  at[0] = (char)faults;
}

int main(void) {
  page = page_size();
  char *area = mmap(NULL, 20 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(munmap(area, 20 * page) == 0);
  handle_info(SIGSEGV, handler, 0);
  int sum = 0;
  for (int i = 0; i < 20; i++) sum += ((volatile char *)area)[i * page];
  check(faults == 20 && sum == 210);
  ((volatile char *)area)[100] = 'w';
  check(faults == 20);
  say("area %p", area);
  return succeed();
}
