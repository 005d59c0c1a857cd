// dlopen(3) of a library that is compiled on the way, dlsym(3), dlclose(3), and again after it was replaced.
// checksum: 200
#include "check.h"
#include <dlfcn.h>

int main(void) {
  for (int version = 1; version <= 2; version++) {
    char command[300];
    const char *format =
      "echo 'int answer(void) { return %d; }' | gcc -shared -fPIC -x c -o new.so - && mv new.so library.so";
    sprintf(command, format, version * 100);
    check(system(command) == 0);
    void *library = dlopen("./library.so", RTLD_NOW);
    check(library);
    int (*answer)(void) = (int (*)(void))dlsym(library, "answer");
    check(answer && answer() == version * 100);
    say("answer at %p", (void *)answer);
    check(!dlsym(library, "question"));
    check(dlclose(library) == 0);
  }
  void *math = dlopen("libm.so.6", RTLD_LAZY);
  check(math);
  double (*cosine)(double) = (double (*)(double))dlsym(math, "cos");
  check(cosine(0) == 1);
  check(!dlopen("./nothing.so", RTLD_NOW));
  unlink("library.so");
  return succeed();
}
