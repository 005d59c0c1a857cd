#pragma once

#include <stdint.h>
#include <sys/types.h>

/// One frame of a call stack.
typedef struct {
  uint64_t address;
  /// From the start of the function.
  uint64_t offset;
  /// NUL-terminated, empty where no symbol is known.
  char name[128];
} rrs_frame;

/// Unwinds a ptrace-stopped tracee from the given registers (27 words, `struct user_regs_struct`).
/// Returns the number of frames, at most `capacity`.
int rrs_backtrace(pid_t tid, const uint64_t *registers, rrs_frame *frames, int capacity);
