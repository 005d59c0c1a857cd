// What every test program needs: checks that stay on, output in single writes, and waiting for children.
//
// A program works in its current directory, which the tests make for it and delete afterwards. It prints what the
// feature gives it, also what differs from run to run (process ids, times, addresses): a replay must print the same
// again. Its last line is EXIT-SUCCESS.
#ifndef RRS_TESTS_CHECK_H
#define RRS_TESTS_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// Prints in one write(2), so that lines of several processes never mix and no buffer is copied by fork(2).
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(STDOUT_FILENO, line, length) != length) _exit(99);
}

#define check(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      int number = errno;                                                                                    \
      say("CHECK FAILED %s:%d: %s (errno %d: %s)", __FILE__, __LINE__, #condition, number, strerror(number)); \
      _exit(98);                                                                                             \
    }                                                                                                        \
  } while (0)

/// The call fails, and with this error.
#define check_fails(expression, number)       \
  do {                                        \
    errno = 0;                                \
    check((long)(expression) == -1);          \
    check(errno == (number));                 \
  } while (0)

static inline int succeed(void) {
  say("EXIT-SUCCESS");
  return 0;
}

/// Waits for this child, whatever interrupts, and gives its wait status.
static inline int wait_for(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) != child) check(errno == EINTR);
  return status;
}

/// Waits for this child and checks that it ended with this exit code.
static inline void expect_exit(pid_t child, int code) {
  int status = wait_for(child);
  check(WIFEXITED(status));
  check(WEXITSTATUS(status) == code);
}

/// Waits for this child and checks that this signal killed it.
static inline void expect_killed(pid_t child, int signal) {
  int status = wait_for(child);
  check(WIFSIGNALED(status));
  check(WTERMSIG(status) == signal);
}

/// FNV-1a: shows many bytes as one number.
static inline uint64_t digest(const void *bytes, size_t count) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < count; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
  return hash;
}

static inline void sleep_milliseconds(long count) {
  struct timespec rest = {count / 1000, count % 1000 * 1000000};
  while (nanosleep(&rest, &rest) == -1) check(errno == EINTR);
}

static inline pid_t thread_id(void) { return (pid_t)syscall(SYS_gettid); }

static inline size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/// Makes a file of this content in the current directory.
static inline void make_file(const char *name, const void *bytes, size_t count) {
  int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  check(fd >= 0);
  check(write(fd, bytes, count) == (ssize_t)count);
  check(close(fd) == 0);
}

static inline void start_thread(pthread_t *thread, void *(*body)(void *), void *argument) {
  check(pthread_create(thread, NULL, body, argument) == 0);
}

static inline void *join_thread(pthread_t thread) {
  void *result;
  check(pthread_join(thread, &result) == 0);
  return result;
}

static inline void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  check(sigaction(signal, &action, NULL) == 0);
}

static inline void handle_info(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  check(sigaction(signal, &action, NULL) == 0);
}

/// Waits until a flag that a handler or another thread sets is set. Yields, because nothing preempts a spinning thread.
static inline void wait_flag(const volatile int *flag) {
  while (!*flag) sched_yield();
}

#endif
