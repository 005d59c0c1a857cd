// A program that puts a seccomp filter on itself: allowed calls work, others fail as the filter says. A recorder may
// refuse the filter, as a kernel without seccomp does.
#include "check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void) {
  pid_t child = fork();
  if (child == 0) {
    struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      check(errno == EINVAL);
      say("no filter");
      raise(SIGSYS);
    }
    check_fails(getpgid(0), 77);
    check(getppid() > 0);
    say("filtered in %d", getpid());
    getsid(0);
    _exit(1);
  }
  expect_killed(child, SIGSYS);
  return succeed();
}
