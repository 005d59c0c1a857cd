// arch_prctl(2): the bases of FS and GS, per thread, changed and read back.
#include "check.h"
#include <asm/prctl.h>

static long words[4] = {11, 22, 33, 44};

static void *body(void *argument) {
  long number = (intptr_t)argument, base, loaded;
  check(syscall(SYS_arch_prctl, ARCH_SET_GS, &words[number]) == 0);
  for (int i = 0; i < 10; i++) {
    sched_yield();
    __asm__ volatile("mov %%gs:0, %0" : "=r"(loaded));
    check(loaded == words[number]);
  }
  check(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0 && base == (long)&words[number]);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  for (intptr_t i = 0; i < 4; i++) start_thread(&threads[i], body, (void *)i);
  for (int i = 0; i < 4; i++) join_thread(threads[i]);
  long base;
  check(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0 && base != 0);
  check_fails(syscall(SYS_arch_prctl, 0x9999, &base), EINVAL);
  say("fs %lx", base);
  return succeed();
}
