// posix_spawn(3) with actions and attributes, system(3) and popen(3).
#include "check.h"
#include <spawn.h>

extern char **environ;

int main(void) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  check(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
  check(posix_spawn_file_actions_addopen(&actions, 1, "out", O_CREAT | O_WRONLY, 0644) == 0);
  check(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0);
  pid_t child;
  char *arguments[] = {"sh", "-c", "echo $$; exit 8", NULL};
  check(posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environ) == 0);
  expect_exit(child, 8);
  char text[64] = {0};
  int fd = open("out", O_RDONLY);
  check(fd >= 0 && read(fd, text, sizeof text) > 0 && atoi(text) == child);
  check(posix_spawnp(&child, "no-such-program", NULL, NULL, arguments, environ) == ENOENT);
  int status = system("exit 9");
  check(WIFEXITED(status) && WEXITSTATUS(status) == 9);
  FILE *stream = popen("echo from $PPID; date +%s%N", "r");
  check(stream);
  while (fgets(text, sizeof text, stream)) {
    text[strcspn(text, "\n")] = 0;
    say("popen: %s", text);
  }
  check(pclose(stream) == 0);
  unlink("out");
  return succeed();
}
