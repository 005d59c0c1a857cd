// Random operations on processes, threads, pipes, memory, files and signals, from a seed: a small program of its own
// for each. `soak SEED STEPS`.
#include "check.h"
#include <poll.h>
#include <sys/socket.h>

static uint64_t state;
static unsigned below(unsigned limit) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % limit;
}

static volatile sig_atomic_t signals;
static void count_signal(int signal) { (void)signal; signals++; }

static char *areas[8];
static size_t sizes[8];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void memory_step(void) {
  unsigned slot = below(8);
  if (!areas[slot]) {
    sizes[slot] = (1 + below(40)) * 4096;
    int kind = below(2) ? MAP_PRIVATE : MAP_SHARED;
    areas[slot] = mmap(NULL, sizes[slot], PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    check(areas[slot] != MAP_FAILED);
    memset(areas[slot], (int)below(256), sizes[slot]);
  } else if (below(2)) {
    check(munmap(areas[slot], sizes[slot]) == 0);
    areas[slot] = NULL;
  } else if (below(2)) {
    check(madvise(areas[slot], 4096, MADV_DONTNEED) == 0);
  } else {
    int fd = open("/dev/urandom", O_RDONLY);
    size_t count = 1 + below((unsigned)sizes[slot]);
    check(fd >= 0 && read(fd, areas[slot], count) == (ssize_t)count);
    close(fd);
  }
}

static void file_step(void) {
  char name[32], text[3000];
  sprintf(name, "file-%u", below(4));
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  check(fd >= 0);
  memset(text, 'a' + (int)below(26), sizeof text);
  check(pwrite(fd, text, 1 + below(sizeof text), below(10000)) > 0);
  ssize_t count = pread(fd, text, sizeof text, below(10000));
  check(count >= 0);
  struct stat status;
  check(fstat(fd, &status) == 0);
  if (status.st_size > 0) {
    char *mapped = mmap(NULL, status.st_size, PROT_READ, below(2) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    check(mapped != MAP_FAILED);
    total += (long)digest(mapped, status.st_size);
    munmap(mapped, status.st_size);
  }
  close(fd);
  if (below(4) == 0) unlink(name);
}

static void *thread_body(void *argument) {
  for (intptr_t i = 0; i < (intptr_t)argument; i++) {
    pthread_mutex_lock(&lock);
    total += thread_id() * i;
    if (i % 3 == 0) sched_yield();
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

static void thread_step(void) {
  pthread_t threads[5];
  unsigned count = 1 + below(5);
  for (unsigned i = 0; i < count; i++) start_thread(&threads[i], thread_body, (void *)(intptr_t)below(20));
  for (unsigned i = 0; i < count; i++) join_thread(threads[i]);
}

static void process_step(void) {
  int fds[2];
  unsigned code = below(200), work = below(4), length = 1 + below(2000);
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  pid_t child = fork();
  check(child >= 0);
  if (child == 0) {
    char text[2000];
    memset(text, (int)getpid(), sizeof text);
    if (work == 1) thread_step();
    if (work == 2) kill(getppid(), SIGUSR1);
    if (work == 3) execl("/bin/sh", "sh", "-c", "exit 77", NULL);
    check(write(fds[1], text, length) == (ssize_t)length);
    _exit(code);
  }
  close(fds[1]);
  char text[2000];
  ssize_t got = 0, count;
  while ((count = read(fds[0], text, sizeof text)) != 0) {
    if (count > 0) got += count;
    else check(errno == EINTR);
  }
  close(fds[0]);
  expect_exit(child, work == 3 ? 77 : (int)code);
  total += text[0] + got + child;
}

static void signal_step(void) {
  struct itimerval timer = {.it_value = {0, 1 + below(2000)}};
  int before = signals;
  switch (below(3)) {
  case 0: raise(SIGUSR1); break;
  case 1:
    check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (signals == before) poll(NULL, 0, 1);
    break;
  default: kill(getpid(), SIGUSR1);
  }
}

int main(int argc, char **argv) {
  check(argc == 3);
  state = strtoull(argv[1], NULL, 10);
  handle(SIGUSR1, count_signal, SA_RESTART);
  handle(SIGALRM, count_signal, 0);
  void (*steps[])(void) = {memory_step, file_step, thread_step, process_step, signal_step, memory_step, file_step};
  for (int i = atoi(argv[2]); i > 0; i--) {
    steps[below(7)]();
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (below(5) == 0) say("%d left: %lx at %ld.%09ld, %d signals", i, total, now.tv_sec, now.tv_nsec, (int)signals);
  }
  uint64_t hash = 0;
  for (int i = 0; i < 8; i++) hash ^= areas[i] ? digest(areas[i], sizes[i]) : 0;
  for (int i = 0; i < 4; i++) {
    char name[32];
    sprintf(name, "file-%d", i);
    unlink(name);
  }
  say("memory %016lx", hash);
  return succeed();
}
