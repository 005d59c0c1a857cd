// A script whose interpreter doesn't exist, and one whose interpreter is a directory: the errors, and the caller
// lives on.
#include "check.h"

int main(void) {
  const char missing[] = "#!/nonexistent/interpreter\n", directory[] = "#!/tmp\n";
  make_file("missing", missing, sizeof missing - 1);
  make_file("directory", directory, sizeof directory - 1);
  check(chmod("missing", 0755) == 0 && chmod("directory", 0755) == 0);
  char *arguments[] = {"script", NULL}, *environment[] = {NULL};
  check_fails(execve("./missing", arguments, environment), ENOENT);
  check_fails(execve("./directory", arguments, environment), EACCES);
  pid_t child = fork();
  if (child == 0) {
    execve("./missing", arguments, environment);
    _exit(errno);
  }
  expect_exit(child, ENOENT);
  unlink("missing");
  unlink("directory");
  return succeed();
}
