// prctl(2): names, dumpability, keep-caps, no-new-privileges, timer slack, and unknown requests.
#include "check.h"
#include <sys/prctl.h>

static void *body(void *unused) {
  char name[16];
  check(prctl(PR_SET_NAME, "renamed") == 0 && prctl(PR_GET_NAME, name) == 0 && strcmp(name, "renamed") == 0);
  char path[64], text[32] = {0};
  sprintf(path, "/proc/self/task/%d/comm", thread_id());
  int fd = open(path, O_RDONLY);
  check(fd >= 0 && read(fd, text, sizeof text) == 8);
  return unused;
}

int main(void) {
  pthread_t thread;
  start_thread(&thread, body, NULL);
  join_thread(thread);
  char name[16];
  check(prctl(PR_GET_NAME, name) == 0);
  check(prctl(PR_GET_DUMPABLE) == 1);
  check(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
  check(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1);
  check(prctl(PR_SET_TIMERSLACK, 12345) == 0 && prctl(PR_GET_TIMERSLACK) == 12345);
  check(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
  int signal;
  check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGUSR1);
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  int reaper;
  check(prctl(PR_GET_CHILD_SUBREAPER, &reaper) == 0);
  check(prctl(PR_CAPBSET_READ, 0) >= 0);
  check_fails(prctl(99999, 0, 0, 0, 0), EINVAL);
  say("%s reaper %d", name, reaper);
  return succeed();
}
