// Small functions made at run time.
#ifndef RRS_TESTS_EMIT_H
#define RRS_TESTS_EMIT_H

#include "../check.h"

typedef int (*function)(void);

enum { FUNCTION_SIZE = 6 };

/// `mov eax, value; ret`
static inline void emit_value(void *place, int value) {
  unsigned char *code = place;
  code[0] = 0xb8;
  memcpy(code + 1, &value, 4);
  code[5] = 0xc3;
}

static inline int call(const void *place) { return ((function)(uintptr_t)place)(); }

static inline char *map_code(size_t count, int protection) {
  char *code = mmap(NULL, count, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(code != MAP_FAILED);
  return code;
}

#endif
