// Dies of a pointer that a function cleared before.
// compile: -O0
// ends by signal: 11
#include "check.h"

struct node {
  struct node *next;
  int value;
};

static struct node nodes[4];

void unlink_next(struct node *node) {
  node->next = NULL;
}

int sum(int count) {
  int result = 0;
  struct node *node = nodes;
  for (int i = 0; i < count; i++) {
    result += node->value;
    node = node->next;
  }
  return result;
}

int main(void) {
  for (int i = 0; i < 4; i++) nodes[i] = (struct node){&nodes[(i + 1) % 4], i};
  check(sum(8) == 12);
  unlink_next(&nodes[2]);
  succeed();
  return sum(8);
}
