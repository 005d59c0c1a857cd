#define _GNU_SOURCE
#include "CLinuxShim.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

long rrs_syscall(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f) {
  long result;
  register uintptr_t r10 __asm__("r10") = d;
  register uintptr_t r8 __asm__("r8") = e;
  register uintptr_t r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define CALL0(n) rrs_syscall(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) rrs_syscall(n, (uintptr_t)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) rrs_syscall(n, (uintptr_t)(a), (uintptr_t)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) rrs_syscall(n, (uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) rrs_syscall(n, (uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c), (uintptr_t)(d), 0, 0)

long rrs_ptrace(long request, pid_t tid, uintptr_t address, uintptr_t data) {
  return CALL4(SYS_ptrace, request, tid, address, data);
}

long rrs_wait(pid_t pid, int *status, int options) { return CALL4(SYS_wait4, pid, status, options | __WALL, 0); }

long rrs_read_memory(pid_t pid, void *buffer, size_t count, uint64_t address) {
  struct iovec local = {buffer, count}, remote = {(void *)address, count};
  return rrs_syscall(SYS_process_vm_readv, pid, (uintptr_t)&local, 1, (uintptr_t)&remote, 1, 0);
}

long rrs_write_memory(pid_t pid, const void *buffer, size_t count, uint64_t address) {
  struct iovec local = {(void *)buffer, count}, remote = {(void *)address, count};
  return rrs_syscall(SYS_process_vm_writev, pid, (uintptr_t)&local, 1, (uintptr_t)&remote, 1, 0);
}

long rrs_open(const char *path, int flags, unsigned mode) {
  return CALL4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}
long rrs_close(int descriptor) { return CALL1(SYS_close, descriptor); }
long rrs_read(int descriptor, void *buffer, size_t count) { return CALL3(SYS_read, descriptor, buffer, count); }
long rrs_write(int descriptor, const void *buffer, size_t count) { return CALL3(SYS_write, descriptor, buffer, count); }
long rrs_pread(int descriptor, void *buffer, size_t count, uint64_t offset) {
  return CALL4(SYS_pread64, descriptor, buffer, count, offset);
}
long rrs_pwrite(int descriptor, const void *buffer, size_t count, uint64_t offset) {
  return CALL4(SYS_pwrite64, descriptor, buffer, count, offset);
}
long rrs_readlink(const char *path, char *buffer, size_t count) { return CALL3(SYS_readlink, path, buffer, count); }
long rrs_fstat(int descriptor, struct stat *result) { return CALL2(SYS_fstat, descriptor, result); }
long rrs_stat(const char *path, struct stat *result) { return CALL2(SYS_stat, path, result); }
long rrs_ftruncate(int descriptor, uint64_t size) { return CALL2(SYS_ftruncate, descriptor, size); }
long rrs_memfd_create(const char *name) { return CALL2(SYS_memfd_create, name, MFD_CLOEXEC); }

long rrs_same_file(pid_t pid, int a, int b) {
  long order = rrs_syscall(SYS_kcmp, pid, getpid(), KCMP_FILE, a, b, 0);
  return order < 0 ? order : order == 0;
}

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}
uint64_t rrs_monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t rrs_realtime_nanoseconds(void) { return nanoseconds(CLOCK_REALTIME); }
void rrs_locked_increment(uint64_t *word) { __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST); }
void rrs_yield(void) { CALL0(SYS_sched_yield); }

uint64_t rrs_rdtsc(void) { return __rdtsc(); }
void rrs_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4]) {
  __cpuid_count(leaf, subleaf, result[0], result[1], result[2], result[3]);
}
uint64_t rrs_xgetbv0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

long rrs_bind_cpu(pid_t tid, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < 0) {
    for (int i = 0; i < CPU_SETSIZE; i++) CPU_SET(i, &set);
  } else {
    CPU_SET(cpu, &set);
  }
  return CALL3(SYS_sched_setaffinity, tid, sizeof set, &set);
}

long rrs_current_cpu(void) {
  unsigned cpu = 0;
  long result = CALL2(SYS_getcpu, &cpu, 0);
  return result < 0 ? result : (long)cpu;
}

// MARK: - Between fork and exec: only system calls, no allocation, no locks.

static long install_filter(void) {
  const uint64_t after = RRS_GADGET_ADDRESS + 2;
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | RRS_OTHER_ABI),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)after, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)RRS_GADGET_LIST_RETURN, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(after >> 32), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  long result = CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  if (result == -EACCES) {
    // Without CAP_SYS_ADMIN a filter needs no_new_privs (seccomp(2)).
    rrs_syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
    result = CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  }
  return result;
}

static void child_fail(int failure, long error) {
  int32_t number = (int32_t)-error;
  rrs_write(failure, &number, sizeof number);
  CALL1(SYS_exit_group, 127);
  __builtin_unreachable();
}

static struct sigaction saved_actions[3];
static const int terminal_signals[3] = {SIGINT, SIGQUIT, SIGHUP};
static int terminal_signals_ignored;

long rrs_spawn(const char *path, char *const argv[], char *const envp[], int flags, int *release, int *failure) {
  int go[2], fail[2];
  if (pipe2(go, O_CLOEXEC)) return -errno;
  if (pipe2(fail, O_CLOEXEC)) {
    long error = -errno;
    close(go[0]);
    close(go[1]);
    return error;
  }
  pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) {
    close(go[1]);
    close(fail[0]);
    char byte;
    if (rrs_read(go[0], &byte, 1) != 1) CALL1(SYS_exit_group, 127);
    if (flags & RRS_SPAWN_NEW_SESSION) setsid();
    if (terminal_signals_ignored) rrs_restore_terminal_signals();
    if (flags & RRS_SPAWN_NO_RANDOMIZE) personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE);
    if (flags & RRS_SPAWN_TRAP_TSC) rrs_syscall(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0, 0);
    long result = install_filter();
    if (result < 0) child_fail(fail[1], result);
    child_fail(fail[1], CALL3(SYS_execve, path, argv, envp));
  }
  close(go[0]);
  close(fail[1]);
  *release = go[1];
  *failure = fail[0];
  return child;
}

// MARK: - Signals of rrs itself

void rrs_ignore_terminal_signals(void) {
  for (int i = 0; i < 3; i++) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(terminal_signals[i], &ignore, &saved_actions[i]);
  }
  terminal_signals_ignored = 1;
}

void rrs_restore_terminal_signals(void) {
  for (int i = 0; i < 3; i++) sigaction(terminal_signals[i], &saved_actions[i], NULL);
  terminal_signals_ignored = 0;
}

static volatile sig_atomic_t termination_requested;
static void note_termination(int signal) {
  (void)signal;
  termination_requested = 1;
}
void rrs_catch_termination(void) {
  struct sigaction action = {.sa_handler = note_termination};
  sigaction(SIGTERM, &action, NULL);
}
int rrs_take_termination(void) {
  int requested = termination_requested;
  termination_requested = 0;
  return requested;
}

static void note_alarm(int signal) { (void)signal; }
void rrs_alarm(unsigned milliseconds) {
  struct sigaction action = {.sa_handler = note_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}
