// Code that another thread, a process that shares the memory, or a process that shares the mapping writes.
#include "emit.h"

#include <linux/futex.h>

static char *page;
static _Atomic int turn;

// Waits for its turn without busy-waiting.
static void await(int wanted) {
  for (int now; (now = turn) != wanted;) syscall(SYS_futex, &turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void give(int next) {
  turn = next;
  syscall(SYS_futex, &turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *writes(void *argument) {
  for (int i = 0; i < 50; i++) {
    await(2 * i);
    emit_value(page, 500 + i);
    give(2 * i + 1);
  }
  return argument;
}

static int shares_memory(void *argument) {
  emit_value(page, *(int *)argument);
  check(call(page) == *(int *)argument);
  return 0;
}

int main(void) {
  page = map_code(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  emit_value(page, 1);
  check(call(page) == 1);
  pthread_t thread;
  start_thread(&thread, writes, NULL);
  for (int i = 0; i < 50; i++) {
    await(2 * i + 1);
    check(call(page) == 500 + i);
    give(2 * i + 2);
  }
  join_thread(thread);
  // CLONE_VM without CLONE_THREAD: a process.
  static char stack[65536] __attribute__((aligned(16)));
  for (int i = 0; i < 5; i++) {
    int value = 700 + i;
    pid_t child = clone(shares_memory, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);
    check(child > 0);
    expect_exit(child, 0);
    check(call(page) == 700 + i);
  }
  // vfork(2)
  pid_t child = vfork();
  if (child == 0) {
    emit_value(page, 800);
    _exit(call(page) == 800 ? 0 : 1);
  }
  expect_exit(child, 0);
  check(call(page) == 800);
  // A forked child has a copy: what it writes is its own.
  child = fork();
  if (child == 0) {
    for (int i = 0; i < 10; i++) {
      emit_value(page, i);
      check(call(page) == i);
    }
    _exit(0);
  }
  for (int i = 0; i < 10; i++) {
    emit_value(page, 900 + i);
    check(call(page) == 900 + i);
    sched_yield();
  }
  expect_exit(child, 0);
  check(call(page) == 909);
  // A shared mapping isn't a copy: what the child writes the parent executes, and the other way round.
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(page != MAP_FAILED);
  int there[2], back[2];
  char byte = 0;
  check(pipe(there) == 0 && pipe(back) == 0);
  emit_value(page, 0);
  check(call(page) == 0);
  child = fork();
  if (child == 0) {
    for (int i = 0; i < 20; i++) {
      check(read(there[0], &byte, 1) == 1);
      check(call(page) == 1000 + i);
      emit_value(page, 2000 + i);
      check(call(page) == 2000 + i);
      check(write(back[1], &byte, 1) == 1);
    }
    _exit(0);
  }
  for (int i = 0; i < 20; i++) {
    emit_value(page, 1000 + i);
    check(call(page) == 1000 + i);
    check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    check(call(page) == 2000 + i);
  }
  expect_exit(child, 0);
  return succeed();
}
