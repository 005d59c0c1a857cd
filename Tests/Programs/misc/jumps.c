// setjmp(3) and longjmp(3) out of depths, and out of a comparison inside qsort(3).
#include "check.h"
#include <setjmp.h>

static jmp_buf back;
static int compared;

static void descend(int depth) {
  if (depth < 0) return;
  volatile char block[64];
  block[0] = (char)depth;
  if (depth == 0) longjmp(back, 7);
  descend(depth - 1);
  check(block[0] == (char)depth);
}

static int compare(const void *left, const void *right) {
  if (++compared == 50) longjmp(back, 8);
  return *(const int *)left - *(const int *)right;
}

int main(void) {
  volatile int sum = 0;
  for (volatile int i = 0; i < 20; i++) {
    int value = setjmp(back);
    if (value == 0) descend(i * 5);
    sum += value;
  }
  check(sum == 140);
  int numbers[100];
  for (int i = 0; i < 100; i++) numbers[i] = (i * 37) % 101;
  if (setjmp(back) == 0) {
    qsort(numbers, 100, sizeof numbers[0], compare);
    check(!"sorted to the end");
  }
  check(compared == 50);
  return succeed();
}
