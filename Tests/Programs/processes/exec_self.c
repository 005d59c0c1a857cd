// execve(2) of the own image, several times over: arguments and environment arrive, memory starts anew.
#include "check.h"

static int dirty;

int main(int argc, char **argv) {
  check(dirty == 0);
  dirty = 1;
  int round = argc > 1 ? atoi(argv[1]) : 0;
  say("round %d pid %d argv %p environment %s", round, getpid(), (void *)argv, getenv("ROUND") ?: "none");
  if (round == 4) return succeed();
  char number[16], variable[32];
  sprintf(number, "%d", round + 1);
  sprintf(variable, "ROUND=%d", round + 1);
  char *arguments[] = {argv[0], number, NULL}, *environment[] = {variable, "PATH=/usr/bin:/bin", NULL};
  execve("/proc/self/exe", arguments, environment);
  check(!"execve returned");
}
