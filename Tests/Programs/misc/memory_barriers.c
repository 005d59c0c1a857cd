// membarrier(2): its query, registration and commands, whatever the kernel offers.
#include "check.h"
#include <linux/membarrier.h>

int main(void) {
  long offered = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  if (offered < 0) {
    say("none: %s", strerror(errno));
    return succeed();
  }
  say("offered %lx", offered);
  if (offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
    check(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
    check(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
  }
  check_fails(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
  return succeed();
}
