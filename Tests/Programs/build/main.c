#include "calculate.h"
#include <stdio.h>
#include <stdlib.h>

void fail(const char *message, const char *detail) {
  fprintf(stderr, "calculate: %s %s\n", message, detail);
  exit(2);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    struct node *node = parse(argv[i]);
    printf("%s = %.10g\n", argv[i], evaluate(node));
    node_free(node);
  }
  return 0;
}
