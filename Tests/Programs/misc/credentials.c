// User and group ids, supplementary groups, capabilities, and a child that drops them.
#include "check.h"
#include <grp.h>
#include <linux/capability.h>

int main(void) {
  uid_t real, effective, saved;
  gid_t groups[64];
  check(getresuid(&real, &effective, &saved) == 0);
  int count = getgroups(64, groups);
  check(count >= 0);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  check(syscall(SYS_capget, &header, data) == 0);
  say("uid %d %d %d gid %d, %d groups, capabilities %x", real, effective, saved, getgid(), count, data[0].effective);
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0) {
      gid_t few[] = {100, 200};
      check(setgroups(2, few) == 0 && getgroups(64, groups) == 2 && groups[1] == 200);
      check(setresgid(1234, 1234, 1234) == 0 && setresuid(1234, 1234, 1234) == 0);
      check(geteuid() == 1234 && getegid() == 1234);
      check_fails(setuid(0), EPERM);
    }
    _exit(0);
  }
  expect_exit(child, 0);
  check(getuid() == real);
  return succeed();
}
