// Touches much memory, in every way that there is: what a checkpoint has not brought back yet must come at each.
#include "check.h"

enum { MIB = 1 << 20, COUNT = 12 * MIB };

static uint64_t sum(const unsigned char *bytes, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i += 512) sum = sum * 31 + bytes[i];
  return sum;
}

static void step(const char *name, uint64_t value) { say("%s %lx", name, (unsigned long)value); }

static unsigned char *bytes;

static void *count_in_thread(void *unused) {
  (void)unused;
  return (void *)(uintptr_t)sum(bytes + 9 * MIB, MIB);
}

int main(void) {
  bytes = mmap(NULL, COUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(bytes != MAP_FAILED);
  for (size_t i = 0; i < COUNT; i += 8) *(uint64_t *)(bytes + i) = i * 0x9e3779b97f4a7c15u;
  char *heap = malloc(3 * MIB);
  memset(heap, 7, 3 * MIB);
  unsigned char *shared = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED);
  memset(shared, 3, MIB / 2);
  step("filled", sum(bytes, COUNT));

  int file = open("/proc/self/exe", O_RDONLY);
  check(file >= 0);
  check(pread(file, bytes + MIB - 100, 5000, 0) == 5000);
  check(pread(file, heap + 100, 300000, 0) > 0);
  step("read into", sum(bytes, 2 * MIB));
  memmove(bytes + 3 * MIB + 5, bytes + 2 * MIB, MIB);
  step("moved", sum(bytes + 3 * MIB, MIB));
  check(mprotect(bytes + 4 * MIB + 8192, MIB / 4, PROT_READ) == 0);
  step("protected", sum(bytes + 4 * MIB, MIB));
  check(munmap(bytes + 5 * MIB + 4096, 100 * 4096) == 0);
  step("unmapped", sum(bytes + 5 * MIB + 101 * 4096, 4096));
  check(madvise(bytes + 6 * MIB + 4096, 70 * 4096, MADV_DONTNEED) == 0);
  step("emptied", sum(bytes + 6 * MIB, MIB));
  unsigned char *moved = mremap(bytes + 7 * MIB + 4096, MIB, 2 * MIB, MREMAP_MAYMOVE);
  check(moved != MAP_FAILED);
  step("remapped", sum(moved, 2 * MIB));
  check(mmap(bytes + 8 * MIB + 8192, 65536, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) != MAP_FAILED);
  step("mapped over", sum(bytes + 8 * MIB + 8192, 4096) + sum(bytes + 9 * MIB - 65536, 65536));
  pthread_t thread;
  void *result;
  check(pthread_create(&thread, NULL, count_in_thread, NULL) == 0);
  check(pthread_join(thread, &result) == 0);
  step("in a thread", (uintptr_t)result);
  pid_t child = fork();
  if (child == 0) {
    bytes[10 * MIB + 77] = 1;
    shared[MIB / 2 + 1] = 9;
    step("in a child", sum(bytes + 10 * MIB, MIB));
    _exit(sum(heap, 3 * MIB) & 63);
  }
  int status = wait_for(child);
  step("behind it", sum(bytes + 10 * MIB, MIB) + WEXITSTATUS(status) + shared[MIB / 2 + 1]);
  heap = realloc(heap, 64);
  step("shrunk", sum(bytes + 11 * MIB, MIB) + (uint64_t)heap[10]);
  return succeed();
}
