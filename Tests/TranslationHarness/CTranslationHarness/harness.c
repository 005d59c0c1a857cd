#define _GNU_SOURCE
#include "harness.h"
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { trap_flag = 0x100, legacy_bytes = 512, header_bytes = 64, extended_bytes = 832, alternate_bytes = 1 << 16 };

static struct machine_state *current;
static struct machine_step *log_steps;
static size_t log_max;
static struct machine_stop stop;
static greg_t saved_general[NGREG];
static uint8_t saved_extended[extended_bytes];
static uint8_t alternate_stack[alternate_bytes];

static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

// The kernel puts the XSAVE area behind the frame and says so in the legacy area's software-reserved bytes.
static int has_extended(const ucontext_t *context) {
  uint32_t magic;
  memcpy(&magic, (const uint8_t *)context->uc_mcontext.fpregs + 464, 4);
  return magic == 0x46505853;
}

static void copy_extended_out(const ucontext_t *context, uint8_t *to) {
  const uint8_t *from = (const uint8_t *)context->uc_mcontext.fpregs;
  memset(to, 0, extended_bytes);
  memcpy(to, from, legacy_bytes);
  if (!has_extended(context)) return;
  memcpy(to + legacy_bytes, from + legacy_bytes, header_bytes);
  uint64_t present;
  memcpy(&present, from + legacy_bytes, 8);
  if (present & 4) memcpy(to + 576, from + 576, 256);
  if (!(present & 2)) memset(to + 160, 0, 256);
  // An x87 state in its initial configuration isn't written.
  if (!(present & 1)) {
    uint32_t mxcsr, mask;
    memcpy(&mxcsr, to + 24, 4);
    memcpy(&mask, to + 28, 4);
    memset(to, 0, 160);
    to[0] = 0x7F;
    to[1] = 3;
    memcpy(to + 24, &mxcsr, 4);
    memcpy(to + 28, &mask, 4);
  }
  uint64_t all = 7;
  memcpy(to + legacy_bytes, &all, 8);
}

static void copy_extended_in(ucontext_t *context, const uint8_t *from) {
  uint8_t *to = (uint8_t *)context->uc_mcontext.fpregs;
  memcpy(to, from, 416);
  if (!has_extended(context)) return;
  uint64_t present;
  memcpy(&present, to + legacy_bytes, 8);
  present |= 7;
  memcpy(to + legacy_bytes, &present, 8);
  memcpy(to + 576, from + 576, 256);
}

static void begin(ucontext_t *context) {
  memcpy(saved_general, context->uc_mcontext.gregs, sizeof saved_general);
  copy_extended_out(context, saved_extended);
  greg_t *general = context->uc_mcontext.gregs;
  for (int index = 0; index < 16; index++) general[order[index]] = (greg_t)current->general[index];
  general[REG_RIP] = (greg_t)current->rip;
  general[REG_EFL] = (greg_t)(current->flags | (log_steps ? trap_flag : 0));
  copy_extended_in(context, current->extended);
}

static void end(ucontext_t *context) {
  greg_t *general = context->uc_mcontext.gregs;
  for (int index = 0; index < 16; index++) current->general[index] = (uint64_t)general[order[index]];
  current->rip = (uint64_t)general[REG_RIP];
  current->flags = (uint64_t)general[REG_EFL] & ~(uint64_t)(trap_flag | 0x10000);
  copy_extended_out(context, current->extended);
  memcpy(general, saved_general, sizeof saved_general);
  copy_extended_in(context, saved_extended);
  current = NULL;
}

static void log_step(const ucontext_t *context) {
  struct machine_step *step = &log_steps[stop.step_count++];
  const greg_t *general = context->uc_mcontext.gregs;
  for (int index = 0; index < 16; index++) step->general[index] = (uint64_t)general[order[index]];
  step->rip = (uint64_t)general[REG_RIP];
  step->flags = (uint64_t)general[REG_EFL] & ~(uint64_t)(trap_flag | 0x10000);
}

static void handle(int signal_number, siginfo_t *information, void *pointer) {
  ucontext_t *context = pointer;
  if (!current) {
    signal(signal_number, SIG_DFL);
    return;
  }
  if (signal_number == SIGUSR2) {
    begin(context);
    return;
  }
  if (signal_number == SIGTRAP && information->si_code == TRAP_TRACE && log_steps) {
    log_step(context);
    if (stop.step_count < log_max) return;
    signal_number = 0;
  }
  stop.signal = signal_number;
  stop.code = information->si_code;
  stop.address = (uint64_t)information->si_addr;
  end(context);
}

static void install(void) {
  static int installed;
  if (installed) return;
  installed = 1;
  stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  const int signals[] = {SIGUSR2, SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM};
  for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) sigaction(signals[index], &action, NULL);
}

int harness_map(uint64_t address, size_t byte_count, int executable) {
  int protection = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
  void *mapped = mmap((void *)address, byte_count, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  return mapped == (void *)address ? 0 : -errno;
}

int harness_map_code(uint64_t address, uint64_t writable, size_t byte_count) {
  int fd = memfd_create("code", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, (off_t)byte_count)) return -errno;
  void *code = mmap((void *)address, byte_count, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  void *data = mmap((void *)writable, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  int result = code == (void *)address && data == (void *)writable ? 0 : -errno;
  close(fd);
  return result;
}

struct machine_stop harness_run(struct machine_state *state, struct machine_step *steps, size_t step_max) {
  install();
  memset(&stop, 0, sizeof stop);
  log_steps = steps;
  log_max = step_max;
  current = state;
  raise(SIGUSR2);
  return stop;
}

void harness_initial_state(struct machine_state *state) {
  memset(state, 0, sizeof *state);
  state->flags = 0x202;
  state->extended[0] = 0x7F;
  state->extended[1] = 3;
  state->extended[24] = 0x80;
  state->extended[25] = 0x1F;
  state->extended[28] = 0xFF;
  state->extended[29] = 0xFF;
  state->extended[30] = 2;
  state->extended[512] = 7;
}

int harness_read_page(uint64_t address, void *destination) {
  struct iovec local = {destination, 4096}, remote = {(void *)address, 4096};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 4096 ? 0 : -errno;
}

uint64_t harness_time(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void *harness_symbol(const char *path, const char *name) {
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return handle ? dlsym(handle, name) : NULL;
}
