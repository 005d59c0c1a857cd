// What a program finds at its start: auxiliary vector, environment, arguments' addresses, open descriptors.
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv) {
  say("argc %d argv %p environ %p stack %p", argc, (void *)argv, (void *)environ, (void *)&argc);
  for (char **variable = environ; *variable; variable++) say("%s", *variable);
  char **end = environ;
  while (*end) end++;
  for (Elf64_auxv_t *entry = (Elf64_auxv_t *)(end + 1); entry->a_type != AT_NULL; entry++)
    say("auxiliary %lu: %lx", entry->a_type, entry->a_un.a_val);
  check(getauxval(AT_PAGESZ) == page_size() && getauxval(AT_ENTRY) != 0);
  check(getauxval(AT_SECURE) == 0 && getauxval(AT_UID) == getuid());
  for (int fd = 0; fd < 20; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) say("descriptor %d is open", fd);
  }
  say("code %p data %p program %s", (void *)main, (void *)&environ, (char *)getauxval(AT_EXECFN));
  return succeed();
}
