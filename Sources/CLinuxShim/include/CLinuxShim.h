#pragma once

// Thin C for what Swift can't say: variadic system calls, macros, and the code between fork and exec.
// Every function returns a result or a negated errno; none sets errno for its caller to read.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/uio.h>

/// Any system call; the raw result.
long rrs_syscall(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f);

/// ptrace(2) with the kernel's calling convention (PEEK requests store through `data`).
long rrs_ptrace(long request, pid_t tid, uintptr_t address, uintptr_t data);

/// wait4(2) with __WALL added to `options`. 0 with WNOHANG when nothing is there.
long rrs_wait(pid_t pid, int *status, int options);

long rrs_read_memory(pid_t pid, void *buffer, size_t count, uint64_t address);
long rrs_write_memory(pid_t pid, const void *buffer, size_t count, uint64_t address);

long rrs_open(const char *path, int flags, unsigned mode);
long rrs_close(int descriptor);
long rrs_read(int descriptor, void *buffer, size_t count);
long rrs_write(int descriptor, const void *buffer, size_t count);
long rrs_pread(int descriptor, void *buffer, size_t count, uint64_t offset);
long rrs_pwrite(int descriptor, const void *buffer, size_t count, uint64_t offset);
long rrs_readlink(const char *path, char *buffer, size_t count);
long rrs_fstat(int descriptor, struct stat *result);
long rrs_stat(const char *path, struct stat *result);
long rrs_ftruncate(int descriptor, uint64_t size);
long rrs_memfd_create(const char *name);

/// Whether descriptor `a` of process `pid` and our own descriptor `b` are one open file description
/// (kcmp(2), KCMP_FILE): 1 or 0, or a negated errno.
long rrs_same_file(pid_t pid, int a, int b);

uint64_t rrs_monotonic_nanoseconds(void);
uint64_t rrs_realtime_nanoseconds(void);
void rrs_yield(void);
/// `*word += 1`, by a locked instruction.
void rrs_locked_increment(uint64_t *word);

/// The processor's time-stamp counter, as rdtsc and rdtscp give it.
uint64_t rrs_rdtsc(void);
void rrs_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4]);
uint64_t rrs_xgetbv0(void);

/// Binds `tid` (0: the caller) to one processor, or to those it may use if `cpu` is negative.
long rrs_bind_cpu(pid_t tid, int cpu);
/// The processor that the caller runs on.
long rrs_current_cpu(void);

enum { RRS_SPAWN_NO_RANDOMIZE = 1, RRS_SPAWN_TRAP_TSC = 2, RRS_SPAWN_NEW_SESSION = 4 };

/// PTRACE_GETEVENTMSG's answer at the seccomp-stop before a call that isn't of the 64-bit interface.
enum { RRS_OTHER_ABI = 1 };

/// The address after the only system-call instruction whose calls the tracer makes itself: the seccomp filter lets
/// those pass, and stops the tracee at every other.
#define RRS_GADGET_ADDRESS 0x70000000ull
// Behind the `syscall` of the gadget's code for lists of calls.
#define RRS_GADGET_LIST_RETURN (RRS_GADGET_ADDRESS + 128 + 35)

/// Forks a child that waits to be seized, then installs the seccomp filter and executes `path`.
/// `*release` is a descriptor: one byte written to it lets the child go. `*failure` is a descriptor that yields a
/// 4-byte errno if the child can't execute, and nothing if it could.
long rrs_spawn(const char *path, char *const argv[], char *const envp[], int flags, int *release, int *failure);

/// Signals that the terminal sends to us and to our tracees alike are left to the tracees.
void rrs_ignore_terminal_signals(void);
/// What `rrs_ignore_terminal_signals` changed, undone.
void rrs_restore_terminal_signals(void);
/// SIGTERM sets the flag that `rrs_take_termination` reads and clears. A blocked wait returns -EINTR.
void rrs_catch_termination(void);
int rrs_take_termination(void);
/// After that many milliseconds a blocked wait returns -EINTR.
void rrs_alarm(unsigned milliseconds);

/// A socket that listens at a numeric IPv4 or IPv6 address. Port 0: any that is free. -EINVAL for other addresses.
long rrs_listen(const char *address, unsigned short port);
/// The port that a socket is bound to.
long rrs_local_port(int descriptor);
/// The next connection that waits, without delays of small packets; -EAGAIN if there is none.
long rrs_accept(int descriptor);
/// What has arrived, at most `count` bytes; 0 at the end, -EAGAIN if there is nothing.
long rrs_receive(int descriptor, void *buffer, size_t count);
/// Like write(2), without SIGPIPE.
long rrs_send(int descriptor, const void *buffer, size_t count);
/// Waits until one of two descriptors (or -1) can be read or has ended: bit 0 for the first, bit 1 for the second.
/// A negative time waits forever.
long rrs_poll_readable(int first, int second, int milliseconds);
