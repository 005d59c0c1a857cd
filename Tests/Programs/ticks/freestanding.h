// For programs that are run an instruction at a time: no libraries, and little code.
#ifndef RRS_TESTS_FREESTANDING_H
#define RRS_TESTS_FREESTANDING_H

#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <stdint.h>

static inline long call(long number, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

__attribute__((noreturn)) static inline void leave(int status) {
  for (;;) call(__NR_exit_group, status, 0, 0, 0, 0);
}

static inline void say(const char *text) {
  long count = 0;
  while (text[count]) count++;
  if (call(__NR_write, 1, (long)text, count, 0, 0) != count) leave(99);
}

/// A word and a number in one line.
static inline void say_number(const char *word, uint64_t number) {
  char line[64];
  int length = 0;
  while (*word) line[length++] = *word++;
  line[length++] = ' ';
  for (int shift = 60; shift >= 0; shift -= 4) line[length++] = "0123456789abcdef"[number >> shift & 15];
  line[length++] = '\n';
  line[length] = 0;
  say(line);
}

__attribute__((noreturn)) static inline void succeed(void) {
  say("EXIT-SUCCESS\n");
  leave(0);
}

__attribute__((naked)) static void return_from_signal(void) {
  __asm__("mov %0, %%eax; syscall" : : "i"(__NR_rt_sigreturn));
}

/// Once, soon: in a program that is stepped through, little happens meanwhile.
static inline void start_timer(long microseconds) {
  long timer[4] = {0, 0, 0, microseconds};
  if (call(__NR_setitimer, 0, (long)timer, 0, 0, 0)) leave(97);
}

/// The handler of the timer's signal.
static inline void handle_timer(void (*handler)(int)) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
  } action = {handler, 0x04000000 /* SA_RESTORER */, return_from_signal, 0};
  if (call(__NR_rt_sigaction, 14 /* SIGALRM */, (long)&action, 0, 8, 0)) leave(98);
}

/// Takes time, and is one instruction.
#define wait_a_bit() __asm__ volatile("pause; pause; pause; pause")

#define PROGRAM __attribute__((force_align_arg_pointer, noreturn)) void _start(void)

#endif
