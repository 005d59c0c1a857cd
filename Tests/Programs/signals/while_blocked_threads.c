// A process-directed signal reaches the one thread that is willing, while the others are blocked in calls.
#include "check.h"

static int fds[2];
static atomic_int ready;
static volatile pid_t receiver;
static void handler(int signal) { (void)signal; receiver = thread_id(); }

static void *reader(void *willing) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(willing ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
  char byte;
  ready++;
  for (;;) {
    ssize_t count = read(fds[0], &byte, 1);
    if (count == 1) return (void *)(intptr_t)thread_id();
    check(count == -1 && errno == EINTR && willing);
    break;
  }
  return (void *)(intptr_t)-thread_id();
}

int main(void) {
  handle(SIGUSR1, handler, 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 && pipe(fds) == 0);
  pthread_t threads[3];
  for (intptr_t i = 0; i < 3; i++) start_thread(&threads[i], reader, (void *)(intptr_t)(i == 1));
  while (ready < 3) sched_yield();
  sleep_milliseconds(3);
  check(kill(getpid(), SIGUSR1) == 0);
  pid_t willing = -(pid_t)(intptr_t)join_thread(threads[1]);
  check(receiver == willing);
  check(write(fds[1], "ab", 2) == 2);
  check((intptr_t)join_thread(threads[0]) > 0 && (intptr_t)join_thread(threads[2]) > 0);
  say("received by %d", willing);
  return succeed();
}
