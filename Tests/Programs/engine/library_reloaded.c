// dlopen(3), dlclose(3) and again: other code at the same addresses. And functions that are chosen at load time.
// compile: -ldl
#include "../check.h"

#include <dlfcn.h>

static int chosen_one(void) { return 1; }
static int chosen_two(void) { return 2; }
static int (*choose(void))(void) { return page_size() > 1 ? chosen_two : chosen_one; }
int chosen(void) __attribute__((ifunc("choose")));

static const char *const names[] = {"libm.so.6", "libutil.so.1", "libz.so.1", "libresolv.so.2", "libgcc_s.so.1"};

int main(void) {
  check(chosen() == 2);
  int opened = 0;
  for (int round = 0; round < 8; round++) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      void *library = dlopen(names[(i + round) % 5], round % 2 ? RTLD_LAZY : RTLD_NOW);
      if (!library) continue;
      opened++;
      double (*cosine)(double) = (double (*)(double))dlsym(library, "cos");
      if (cosine) check(cosine(0) == 1);
      const char *(*version)(void) = (const char *(*)(void))dlsym(library, "zlibVersion");
      if (version) say("zlib %s at %p", version(), (void *)(uintptr_t)version);
      check(dlclose(library) == 0);
    }
  }
  check(opened >= 8);
  say("opened %d", opened);
  return succeed();
}
