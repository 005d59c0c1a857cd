// mincore(2), mlock(2), mlockall(2), and what /proc says about memory.
#include "check.h"

int main(void) {
  size_t page = page_size();
  char *area = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char resident[16];
  area[0] = area[5 * page] = 1;
  check(mincore(area, 16 * page, resident) == 0 && resident[0] & 1 && resident[5] & 1);
  check(mlock(area, 2 * page) == 0 && munlock(area, 2 * page) == 0);
  check(mlock2(area, 2 * page, MLOCK_ONFAULT) == 0);
  int result = mlockall(MCL_FUTURE);
  check(result == 0 || errno == EPERM || errno == ENOMEM);
  check(munlockall() == 0);
  check_fails(mlock((void *)page, page), ENOMEM);
  int fd = open("/proc/self/statm", O_RDONLY);
  char text[128] = {0};
  check(read(fd, text, sizeof text - 1) > 0);
  text[strcspn(text, "\n")] = 0;
  say("statm %s, resident %d %d %d", text, resident[1] & 1, resident[5] & 1, resident[15] & 1);
  return succeed();
}
