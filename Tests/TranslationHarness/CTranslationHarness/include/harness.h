// Runs machine code in this process with a chosen register state, until it traps or faults.
#pragma once
#include <stdint.h>
#include <stddef.h>

// The general registers in the order of machine code, and the vector and x87 state as XSAVE's standard format has it.
struct machine_state {
  uint64_t general[16];
  uint64_t rip;
  uint64_t flags;
  uint8_t extended[832];
};

// One instruction boundary of a stepped run.
struct machine_step {
  uint64_t general[16];
  uint64_t rip;
  uint64_t flags;
};

struct machine_stop {
  int signal;
  int code;
  uint64_t address;
  // The boundaries that a stepped run has passed, the start not among them.
  size_t step_count;
};

// Maps memory at exactly `address`; 0 or -errno.
int harness_map(uint64_t address, size_t byte_count, int executable);

// Maps the same memory for execution at `address` and for writing at `writable`; 0 or -errno.
int harness_map_code(uint64_t address, uint64_t writable, size_t byte_count);

// Runs from `state` on until a signal, and leaves the state at it there. With `steps`, single-steps and logs at most
// `step_max` boundaries; a run that reaches the limit stops with signal 0.
struct machine_stop harness_run(struct machine_state *state, struct machine_step *steps, size_t step_max);

// The state with which a function would be called: what a fresh process has in the vector and x87 registers.
void harness_initial_state(struct machine_state *state);

// Copies a page of this process, if it is mapped; 0 or -errno.
int harness_read_page(uint64_t address, void *destination);

// The processor time of this thread, in nanoseconds.
uint64_t harness_time(void);

// A function of the shared object at `path`, NULL if there is none.
void *harness_symbol(const char *path, const char *name);
