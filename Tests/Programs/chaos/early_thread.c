// Use before initialisation: a thread uses what its creator sets when pthread_create(3) has returned. Killed by SIGSEGV
// if it comes first.
#include "check.h"

struct job {
  pthread_t thread;
  const char *name;
};

static struct job *job;

static void *work(void *unused) {
  (void)unused;
  // Whoever creates a thread goes on at once, while this takes some time.
  sleep_milliseconds(10);
  say("thread of %s", job->name);
  return NULL;
}

int main(void) {
  pthread_t thread;
  start_thread(&thread, work, NULL);
  struct job *new = calloc(1, sizeof *new);
  new->thread = thread;
  new->name = "the first job";
  job = new;
  join_thread(job->thread);
  return succeed();
}
