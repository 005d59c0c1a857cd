// Starts the gdb of the machine whose root directory is below /tools, where nothing finds its files by itself.
// compile: -static
#include "check.h"

int main(int count, char **arguments) {
  char *words[count + 8];
  int length = 0;
  words[length++] = getenv("TOOLS_LINKER");
  words[length++] = "--library-path";
  words[length++] = getenv("TOOLS_LIBRARIES");
  words[length++] = "/tools/usr/bin/gdb";
  words[length++] = "--data-directory";
  words[length++] = "/tools/usr/share/gdb";
  for (int index = 1; index < count; index++) words[length++] = arguments[index];
  words[length] = NULL;
  check(setenv("PYTHONHOME", "/tools/usr", 1) == 0);
  execv(words[0], words);
  check(!"gdb can't be executed");
}
