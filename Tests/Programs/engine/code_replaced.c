// Other code at the same address: munmap(2) and mmap(2), mmap(2) over it, mremap(2), files, MADV_DONTNEED.
#include "emit.h"

enum { RWX = PROT_READ | PROT_WRITE | PROT_EXEC, RX = PROT_READ | PROT_EXEC };

static int code_file(const char *name, int value) {
  char bytes[4096] = {0};
  emit_value(bytes + 100, value);
  make_file(name, bytes, sizeof bytes);
  int fd = open(name, O_RDWR);
  check(fd >= 0);
  return fd;
}

int main(void) {
  char *page = map_code(4096, RWX);
  for (int i = 0; i < 20; i++) {
    emit_value(page + 100, i);
    check(call(page + 100) == i);
    check(munmap(page, 4096) == 0);
    check(mmap(page, 4096, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == page);
  }
  int one = code_file("one", 11), two = code_file("two", 22);
  for (int i = 0; i < 20; i++) {
    check(mmap(page, 4096, RX, MAP_PRIVATE | MAP_FIXED, i % 2 ? one : two, 0) == page);
    check(call(page + 100) == (i % 2 ? 11 : 22));
  }
  // Moved away and back again.
  char *other = map_code(4096, RWX);
  emit_value(other + 100, 33);
  check(call(other + 100) == 33);
  for (int i = 0; i < 6; i++) {
    check(mremap(other, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page);
    check(call(page + 100) == 33 + i);
    emit_value(page + 100, 34 + i);
    char *away = map_code(4096, RX);
    check(mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away);
    check(call(away + 100) == 34 + i);
    other = away;
  }
  // Private changes of a file's page, dropped again.
  page = mmap(NULL, 4096, RWX, MAP_PRIVATE, one, 0);
  check(page != MAP_FAILED);
  for (int i = 0; i < 10; i++) {
    check(call(page + 100) == 11);
    emit_value(page + 100, i);
    check(call(page + 100) == i);
    check(madvise(page, 4096, MADV_DONTNEED) == 0);
  }
  check(call(page + 100) == 11);
  // The file itself is written: a page that this process hasn't copied shows it.
  check(mmap(page, 4096, RX, MAP_PRIVATE | MAP_FIXED, two, 0) == page);
  check(call(page + 100) == 22);
  unsigned char bytes[FUNCTION_SIZE];
  emit_value(bytes, 44);
  check(pwrite(two, bytes, sizeof bytes, 100) == sizeof bytes);
  check(call(page + 100) == 44);
  // A zero page in the middle of a run of code: `add [rax], al`.
  char *zeros = map_code(8192, RWX);
  memset(zeros, 0x90, 8192);
  emit_value(zeros + 4096, 5);
  check(call(zeros + 4090) == 5);
  check(madvise(zeros + 4096, 4096, MADV_DONTNEED) == 0);
  emit_value(zeros + 4096 + 8, 6);
  memset(zeros + 4096, 0x90, 8);
  check(call(zeros + 4090) == 6);
  return succeed();
}
