// fork(2) from a thread while another holds a lock and a third is blocked: the child has the caller only.
#include "check.h"
#include <dirent.h>

static int fds[2];
static atomic_int prepared, in_parent, in_child;

static void before(void) { prepared++; }
static void after_parent(void) { in_parent++; }
static void after_child(void) { in_child++; }

static void *blocked(void *unused) {
  char byte;
  check(read(fds[0], &byte, 1) == 1);
  return unused;
}

static void *forker(void *unused) {
  pid_t child = fork();
  if (child == 0) {
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(tasks))) count += entry->d_name[0] != '.';
    check(count == 1 && thread_id() == getpid() && in_child == 1 && in_parent == 0);
    _exit(44);
  }
  expect_exit(child, 44);
  check(prepared == 1 && in_parent == 1 && in_child == 0);
  say("thread %d forked %d", thread_id(), child);
  return unused;
}

int main(void) {
  check(pipe(fds) == 0 && pthread_atfork(before, after_parent, after_child) == 0);
  pthread_t first, second;
  start_thread(&first, blocked, NULL);
  start_thread(&second, forker, NULL);
  join_thread(second);
  check(write(fds[1], "x", 1) == 1);
  join_thread(first);
  return succeed();
}
