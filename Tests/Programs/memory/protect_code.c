// Code made at run time: written, made executable, run, rewritten and run again; also from a writable mapping.
#include "check.h"

typedef int (*function)(void);

static void emit(unsigned char *code, int value) {
  code[0] = 0xb8;
  memcpy(code + 1, &value, 4);
  code[5] = 0xc3;
}

int main(void) {
  size_t page = page_size();
  unsigned char *code = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 20; i++) {
    check(mprotect(code, page, PROT_READ | PROT_WRITE) == 0);
    emit(code, i * 1000);
    check(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
    check(((function)code)() == i * 1000);
  }
  unsigned char *open_code = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(open_code != MAP_FAILED);
  for (int i = 0; i < 200; i++) {
    emit(open_code + i % 7 * 16, i);
    check(((function)(open_code + i % 7 * 16))() == i);
  }
  // read(2) puts code into place, too.
  emit(code = malloc(16), 4242);
  make_file("code", code, 6);
  int fd = open("code", O_RDONLY);
  check(read(fd, open_code, 6) == 6 && ((function)open_code)() == 4242);
  say("code at %p", open_code);
  unlink("code");
  return succeed();
}
