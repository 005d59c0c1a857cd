// Calls, loops and recursion, for debuggers to walk through.
// compile: -O0
#include "check.h"

struct item {
  int weight;
  char name[12];
};

static struct item items[8];
static int calls;

int fib(int n) {
  calls++;
  if (n < 2) return n;
  return fib(n - 1) + fib(n - 2);
}

int weigh(struct item *item, int factor) {
  int result = item->weight * factor;
  item->weight = result;
  return result;
}

int length(const char *text) {
  int count = 0;
  while (text[count]) count++;
  return count;
}

int main(void) {
  int total = 0;
  for (int i = 0; i < 8; i++) {
    items[i].weight = i + 1;
    snprintf(items[i].name, sizeof items[i].name, "item %d", i);
  }
  for (int i = 0; i < 8; i++) total += weigh(&items[i], 3);
  check(total == 108);
  int last = fib(9);
  check(last == 34);
  say("total %d, fib %d in %d calls, %d letters, process %d", total, last, calls, length(items[7].name), getpid());
  return succeed();
}
