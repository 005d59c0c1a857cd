// Scripts: one interpreter, an interpreter with an argument, and a script that is another script's interpreter.
#include "check.h"

static void make_script(const char *name, const char *text) {
  make_file(name, text, strlen(text));
  check(chmod(name, 0755) == 0);
}

static void run(const char *path, int code) {
  pid_t child = fork();
  if (child == 0) {
    execl(path, path, "one", "two", NULL);
    _exit(99);
  }
  expect_exit(child, code);
}

int main(void) {
  make_script("plain", "#!/bin/sh\necho plain $0 $1 $2 $$\nexit 3\n");
  make_script("flagged", "#!/bin/sh -e\nfalse\nexit 4\n");
  char directory[2048], text[PATH_MAX];
  check(getcwd(directory, sizeof directory));
  snprintf(text, sizeof text, "#!%s/plain\n", directory);
  make_script("nested", text);
  run("./plain", 3);
  run("./flagged", 1);
  run("./nested", 3);
  unlink("plain");
  unlink("flagged");
  unlink("nested");
  return succeed();
}
