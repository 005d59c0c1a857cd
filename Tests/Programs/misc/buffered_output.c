// stdio in all its modes, from several processes; output order is that of the flushes.
#include "check.h"

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 512);
  for (int i = 0; i < 40; i++) printf("line %d of %d\n", i, getpid());
  fflush(stdout);
  printf("kept by both ");
  pid_t child = fork();
  if (child == 0) {
    printf("and flushed by the child\n");
    exit(3);
  }
  expect_exit(child, 3);
  printf("and flushed by the parent\n");
  fprintf(stderr, "to stderr by %d\n", getpid());
  FILE *memory = fmemopen(NULL, 100, "w+");
  check(memory && fprintf(memory, "%d", 42) == 2);
  rewind(memory);
  int value;
  check(fscanf(memory, "%d", &value) == 1 && value == 42);
  fflush(stdout);
  return succeed();
}
