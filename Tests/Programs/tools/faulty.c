// Runs a command on copies of a directory, and lets one of its calls to the file system go wrong, one later each time.
//
//   faulty ORIGINAL COPY STATES N kill COMMAND…    kills it with SIGKILL at its N-th call, before that is made
//   faulty ORIGINAL COPY STATES N ERRNO COMMAND…   its N-th call isn't made, and fails with this number
//
// With `w` behind the ERRNO only those calls count that write: others can't meet a full disk.
// Calls count from the first one on whose path has COPY in it: not those of the dynamic linker. Each run writes a line
// `fault at call N: NUMBER PATH: ended STATUS`, or `no fault: N calls: ended STATUS` where there were fewer; a signal is
// a negative status. Ends when a run has met no fault, or has left the copy in a state that isn't in the file STATES; it
// is then added there.
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

// Whether a call makes or changes something on a disk.
static bool writes(const struct user_regs_struct *registers) {
  switch (registers->orig_rax) {
  case SYS_open: return registers->rsi & O_CREAT;
  case SYS_openat: return registers->rdx & O_CREAT;
  case SYS_creat: case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_pwritev: case SYS_rename:
  case SYS_renameat: case SYS_renameat2: case SYS_link: case SYS_linkat: case SYS_symlink: case SYS_symlinkat:
  case SYS_mkdir: case SYS_mkdirat: case SYS_truncate: case SYS_ftruncate: case SYS_fallocate: case SYS_fsync:
  case SYS_fdatasync: case SYS_sync_file_range: case SYS_ioctl: case SYS_copy_file_range: case SYS_sendfile:
  case SYS_utimensat: case SYS_unlink: case SYS_unlinkat:
    return true;
  default: return false;
  }
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
  bool only_writing = strchr(fault, 'w') != NULL;
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
      if (counts && (!only_writing || writes(&registers)) && ++number == wanted) {
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

// A directory, when it was copied last: what has other names elsewhere is linked, all else copied with its times.
static const char *original;
static const char *copy;

static int copy_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)place;
  char target[PATH_MAX];
  snprintf(target, sizeof target, "%s%s", copy, path + strlen(original));
  if (kind == FTW_D) {
    check(mkdir(target, 0700) == 0);
  } else if (status->st_nlink > 1) {
    check(link(path, target) == 0);
  } else {
    int from = open(path, O_RDONLY), to = open(target, O_WRONLY | O_CREAT | O_EXCL, 0644);
    check(from >= 0 && to >= 0);
    for (ssize_t count; (count = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) != 0;) check(count > 0);
    check(futimens(to, (struct timespec[]){status->st_mtim, status->st_mtim}) == 0);
    close(from), close(to);
  }
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

static void copy_original(void) {
  if (access(copy, F_OK) == 0) check(nftw(copy, remove_entry, 16, FTW_PHYS | FTW_DEPTH) == 0);
  check(nftw(original, copy_entry, 16, FTW_PHYS) == 0);
}

// Of all names in the copy, what they are, and their bytes. A sum, since the order of names doesn't matter.
static uint64_t state;

static uint64_t mix(uint64_t hash, const void *bytes, size_t count) {
  uint64_t word = 0;
  for (; count > 0; bytes = (const char *)bytes + 8, count -= count < 8 ? count : 8) {
    memcpy(&word, bytes, count < 8 ? count : 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

static int add_state(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)place;
  uint64_t facts[] = {status->st_mode, kind == FTW_F && status->st_nlink > 1, kind == FTW_F ? status->st_size : 0};
  uint64_t hash = mix(mix(1, path, strlen(path)), facts, sizeof facts);
  char target[PATH_MAX] = "";
  if (kind == FTW_SL) hash = mix(hash, target, readlink(path, target, sizeof target));
  if (kind == FTW_F && status->st_size > 0) {
    int file = open(path, O_RDONLY);
    void *bytes = mmap(NULL, status->st_size, PROT_READ, MAP_PRIVATE, file, 0);
    check(bytes != MAP_FAILED);
    hash = mix(hash, bytes, status->st_size);
    munmap(bytes, status->st_size);
    close(file);
  }
  state += hash;
  return 0;
}

static bool is_new_state(const char *states) {
  state = 0;
  check(nftw(copy, add_state, 16, FTW_PHYS) == 0);
  FILE *file = fopen(states, "a+");
  check(file != NULL);
  rewind(file);
  for (unsigned long long known; fscanf(file, "%llx", &known) == 1;) {
    if (known != state) continue;
    fclose(file);
    return false;
  }
  fprintf(file, "%llx\n", (unsigned long long)state);
  fclose(file);
  return true;
}

int main(int count, char **arguments) {
  if (count < 7) return 64;
  original = arguments[1], copy = arguments[2];
  for (long number = atol(arguments[4]);; number++) {
    copy_original();
    struct ending ending = run(copy, number, arguments[5], arguments + 6);
    if (!ending.met_fault || is_new_state(arguments[3])) return 0;
  }
}
