// Calls and returns.
#include <stdio.h>
static long __attribute__((noinline)) fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int main(void) { return printf("%ld\n", fib(40)) < 0; }
