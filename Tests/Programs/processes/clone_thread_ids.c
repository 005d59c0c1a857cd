// clone(2) with the four tid flags: where the kernel stores and clears the new thread's id.
#include "check.h"
#include <linux/futex.h>

static volatile pid_t parent_tid, child_tid = -1;
static volatile pid_t inside;

static int body(void *unused) {
  (void)unused;
  inside = child_tid;
  syscall(SYS_exit, 0);
  return 0;
}

int main(void) {
  char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(stack != MAP_FAILED);
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
              CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  pid_t tid = clone(body, stack + 65536, flags, NULL, &parent_tid, NULL, &child_tid);
  check(tid > 0);
  check(parent_tid == tid);
  pid_t value;
  while ((value = child_tid) != 0) {
    long result = syscall(SYS_futex, &child_tid, FUTEX_WAIT, value, NULL, NULL, 0);
    check(result == 0 || errno == EAGAIN || errno == EINTR);
  }
  check(inside == tid);
  say("thread %d", tid);
  return succeed();
}
