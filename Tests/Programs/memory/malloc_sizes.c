// The allocator at many sizes, in threads, with realloc and trimming.
// checksum: 20
#include "check.h"
#include <malloc.h>

static void *body(void *argument) {
  unsigned seed = (unsigned)(intptr_t)argument;
  void *blocks[64] = {0};
  for (int i = 0; i < 400; i++) {
    seed = seed * 1103515245 + 12345;
    int slot = seed >> 16 & 63;
    size_t size = (size_t)1 << (seed >> 22 & 15);
    if (seed & 1 << 30) size *= 20;
    blocks[slot] = realloc(blocks[slot], size);
    check(blocks[slot]);
    memset(blocks[slot], i, size);
  }
  for (int i = 0; i < 64; i++) free(blocks[i]);
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  for (intptr_t i = 0; i < 3; i++) start_thread(&threads[i], body, (void *)i);
  body((void *)77);
  for (int i = 0; i < 3; i++) join_thread(threads[i]);
  void *aligned;
  check(posix_memalign(&aligned, 4096, 10000) == 0);
  malloc_trim(0);
  say("aligned %p plain %p", aligned, malloc(10));
  return succeed();
}
