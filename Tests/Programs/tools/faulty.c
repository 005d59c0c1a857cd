// Runs a command again and again, and lets one of its calls to the file system go wrong, one call later each time.
//
//   faulty PATH N kill COMMAND…    kills it with SIGKILL at its N-th call, before that is made
//   faulty PATH N ERRNO COMMAND…   its N-th call isn't made, and fails with this number
//
// Calls count from the first one on whose path has PATH in it: not those of the dynamic linker. Each run writes a line
// `fault at call N: NUMBER PATH: ended STATUS`, or `no fault: N calls: ended STATUS` where there were fewer; a signal is
// a negative status. Ends when a run has changed something in the directory PATH, or met no fault.
#include "check.h"
#include <ftw.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

static const int calls[] = {
    SYS_open, SYS_openat, SYS_openat2, SYS_creat, SYS_close, SYS_read, SYS_pread64, SYS_readv, SYS_preadv, SYS_write,
    SYS_pwrite64, SYS_writev, SYS_pwritev, SYS_lseek, SYS_stat, SYS_fstat, SYS_lstat, SYS_newfstatat, SYS_statx,
    SYS_access, SYS_faccessat, SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_getdents64, SYS_rename, SYS_renameat,
    SYS_renameat2, SYS_unlink, SYS_unlinkat, SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_mkdir, SYS_mkdirat,
    SYS_rmdir, SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_ioctl,
    SYS_copy_file_range, SYS_sendfile, SYS_utimensat, SYS_flock, SYS_fcntl, SYS_chmod, SYS_fchmod, SYS_fchmodat,
};
enum { call_count = sizeof calls / sizeof *calls };

static void trace_file_calls(void) {
  struct sock_filter program[call_count + 3];
  int length = 0;
  program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int index = 0; index < call_count; index++)
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[index], call_count - index, 0);
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog filter = {.len = length, .filter = program};
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

// The string at an address of the tracee; empty where there is none.
static void read_string(pid_t tid, unsigned long long address, char *text, size_t size) {
  size_t length = 0;
  while (length + 1 < size) {
    struct iovec local = {text + length, 1}, remote = {(void *)(address + length), 1};
    if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != 1 || text[length] == 0) break;
    length++;
  }
  text[length] = 0;
}

// The path of a call, the last one of two; empty for calls on descriptors.
static void path_of(pid_t tid, const struct user_regs_struct *registers, char *text, size_t size) {
  text[0] = 0;
  switch (registers->orig_rax) {
  case SYS_open: case SYS_creat: case SYS_stat: case SYS_lstat: case SYS_access: case SYS_readlink: case SYS_unlink:
  case SYS_mkdir: case SYS_rmdir: case SYS_truncate: case SYS_chmod:
    return read_string(tid, registers->rdi, text, size);
  case SYS_openat: case SYS_openat2: case SYS_newfstatat: case SYS_statx: case SYS_faccessat: case SYS_faccessat2:
  case SYS_readlinkat: case SYS_unlinkat: case SYS_mkdirat: case SYS_utimensat: case SYS_fchmodat: case SYS_rename:
  case SYS_link: case SYS_symlink:
    return read_string(tid, registers->rsi, text, size);
  case SYS_renameat: case SYS_renameat2: case SYS_linkat:
    return read_string(tid, registers->r10, text, size);
  case SYS_symlinkat:
    return read_string(tid, registers->rdx, text, size);
  }
}

struct ending {
  int status;
  bool met_fault;
};

static struct ending run(const char *start, long wanted, const char *fault, char **command) {
  bool kills = strcmp(fault, "kill") == 0;
  long error = atol(fault);
  pid_t child = fork();
  if (child == 0) {
    check(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
    raise(SIGSTOP);
    trace_file_calls();
    execvp(command[0], command);
    _exit(127);
  }
  int status;
  check(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
  check(ptrace(PTRACE_SETOPTIONS, child, 0,
               PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC) == 0);
  ptrace(PTRACE_CONT, child, 0, 0);
  int end = 0;
  long number = 0;
  bool counts = false;
  char report[PATH_MAX + 100] = "";
  pid_t tid;
  while ((tid = waitpid(-1, &status, __WALL)) > 0) {
    if (!WIFSTOPPED(status)) {
      if (tid == child) end = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
      continue;
    }
    int signal = WSTOPSIG(status);
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
      struct user_regs_struct registers;
      char path[PATH_MAX];
      // Fails where another thread's end has taken this one along.
      if (ptrace(PTRACE_GETREGS, tid, 0, &registers) != 0) continue;
      path_of(tid, &registers, path, sizeof path);
      if (strstr(path, start) != NULL) counts = true;
      if (counts && ++number == wanted) {
        snprintf(report, sizeof report, "fault at call %ld: %lld %s", number, (long long)registers.orig_rax, path);
        if (kills) {
          kill(child, SIGKILL);
          continue;
        }
        registers.orig_rax = -1;
        registers.rax = -error;
        ptrace(PTRACE_SETREGS, tid, 0, &registers);
      }
      signal = 0;
    } else if (status >> 16 != 0 || signal == SIGSTOP) {
      signal = 0;
    }
    ptrace(PTRACE_CONT, tid, 0, signal);
  }
  struct ending ending = {end, report[0] != 0};
  if (!ending.met_fault) snprintf(report, sizeof report, "no fault: %ld calls", number);
  say("%s: ended %d", report, end);
  return ending;
}

// Of all names under a directory, with what a change of their files changes. The order is that of the directory.
static unsigned long long state;

static int add_state(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)kind, (void)place;
  for (const char *letter = path; *letter != 0; letter++) state = (state ^ (unsigned char)*letter) * 0x100000001b3;
  unsigned long long facts[] = {status->st_ino, status->st_mode, status->st_size, status->st_mtim.tv_sec, status->st_mtim.tv_nsec};
  for (size_t index = 0; index < sizeof facts / sizeof *facts; index++) state = (state ^ facts[index]) * 0x100000001b3;
  return 0;
}

static unsigned long long state_of(const char *path) {
  state = 0xcbf29ce484222325;
  check(nftw(path, add_state, 16, FTW_PHYS) == 0);
  return state;
}

int main(int count, char **arguments) {
  if (count < 5) return 64;
  const char *path = arguments[1];
  unsigned long long before = state_of(path);
  for (long number = atol(arguments[2]);; number++) {
    struct ending ending = run(path, number, arguments[3], arguments + 4);
    if (!ending.met_fault || state_of(path) != before) return 0;
  }
}
