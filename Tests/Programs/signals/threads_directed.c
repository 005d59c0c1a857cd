// pthread_kill(3) reaches one thread; a signal to the process any that doesn't block it; masks are per thread.
#include "check.h"

static __thread int own;
static volatile pid_t receiver;
static atomic_int count, ready, finish;

static void handler(int signal) {
  (void)signal;
  own++;
  receiver = thread_id();
  count++;
}

static void *body(void *argument) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  if (argument) pthread_sigmask(SIG_BLOCK, &set, NULL);
  ready++;
  while (!finish) sched_yield();
  return (void *)(intptr_t)own;
}

int main(void) {
  handle(SIGUSR1, handler, 0);
  handle(SIGUSR2, handler, 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
  pthread_t threads[4];
  for (intptr_t i = 0; i < 4; i++) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (i == 2) sigdelset(&old, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    start_thread(&threads[i], body, (void *)(intptr_t)(i != 2));
    if (i == 2) pthread_sigmask(SIG_BLOCK, &set, NULL);
  }
  while (ready < 4) sched_yield();
  for (int i = 0; i < 4; i++) {
    check(pthread_kill(threads[i], SIGUSR1) == 0);
    while (count < i + 1) sched_yield();
  }
  check(kill(getpid(), SIGUSR2) == 0);
  while (count < 5) sched_yield();
  check(receiver != getpid());
  finish = 1;
  for (int i = 0; i < 4; i++) check((intptr_t)join_thread(threads[i]) == (i == 2 ? 2 : 1));
  say("received by %d", receiver);
  return succeed();
}
