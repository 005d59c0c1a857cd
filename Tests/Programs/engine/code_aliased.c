// Code in a memory file that is mapped twice: written here, executed there. So do JITs that never have W and X at once.
#include "emit.h"

int main(void) {
  int fd = memfd_create("code", 0);
  check(fd >= 0 && ftruncate(fd, 65536) == 0);
  char *writable = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *code = mmap(NULL, 65536, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  check(writable != MAP_FAILED && code != MAP_FAILED);
  int sum = 0;
  for (int i = 0; i < 200; i++) {
    char *place = writable + i % 16 * 4096 + i * 8;
    emit_value(place, i);
    sum += call(code + (place - writable));
    emit_value(writable + 5000, i);
    sum += call(code + 5000);
  }
  check(sum == 199 * 200);
  // By write(2) to the file, which no mapping sees coming.
  unsigned char bytes[FUNCTION_SIZE];
  for (int i = 0; i < 20; i++) {
    emit_value(bytes, 1000 + i);
    check(pwrite(fd, bytes, sizeof bytes, 5000) == sizeof bytes);
    check(call(code + 5000) == 1000 + i);
  }
  // By a third mapping, which comes later, and one that loses the right to execute and gets it back.
  char *third = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
  check(third != MAP_FAILED);
  for (int i = 0; i < 20; i++) {
    emit_value(third + 5000 - 4096, i);
    check(call(code + 5000) == i);
    check(mprotect(code, 65536, PROT_READ) == 0);
    emit_value(writable + 5000, i + 7);
    check(mprotect(code, 65536, PROT_READ | PROT_EXEC) == 0);
    check(call(code + 5000) == i + 7);
  }
  // A second place to execute it.
  char *second = mmap(NULL, 65536, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  check(second != MAP_FAILED);
  for (int i = 0; i < 20; i++) {
    emit_value(writable + 5000, i);
    check(call(code + 5000) == i && call(second + 5000) == i);
  }
  check(munmap(code, 65536) == 0);
  emit_value(writable + 5000, 99);
  check(call(second + 5000) == 99);
  // Through a hole in the file, and a smaller file.
  check(ftruncate(fd, 4096) == 0 && ftruncate(fd, 65536) == 0);
  check(writable[5000] == 0);
  emit_value(writable + 5000, 77);
  check(call(second + 5000) == 77);
  say("sum %d", sum);
  return succeed();
}
