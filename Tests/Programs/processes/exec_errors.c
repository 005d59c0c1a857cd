// execve(2)'s ways to fail, each of which leaves the caller as it was.
#include "check.h"

int main(void) {
  char *arguments[] = {"x", NULL}, *environment[] = {NULL};
  check_fails(execve("/nonexistent", arguments, environment), ENOENT);
  check_fails(execve("/tmp", arguments, environment), EACCES);
  check_fails(execve("/dev/null/x", arguments, environment), ENOTDIR);
  check_fails(syscall(SYS_execve, 8L, arguments, environment), EFAULT);
  make_file("text", "no program\n", 11);
  check(chmod("text", 0755) == 0);
  check_fails(execve("./text", arguments, environment), ENOEXEC);
  make_file("elf", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\76\0broken", 26);
  check(chmod("elf", 0755) == 0);
  errno = 0;
  check(execve("./elf", arguments, environment) == -1);
  say("broken image: %s", strerror(errno));
  char *huge = malloc(200000);
  memset(huge, 'a', 199999);
  huge[199999] = 0;
  char *large[] = {"x", huge, NULL};
  check_fails(execve("/bin/true", large, environment), E2BIG);
  unlink("text");
  unlink("elf");
  return succeed();
}
