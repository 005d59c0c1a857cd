// An ABA bug: a lock-free stack whose nodes are used again. A thread that has read the top and its successor is held up
// before its compare-and-swap; others take both nodes and give back the first. The swap succeeds, and makes a node the
// top that is in use. Killed by SIGABRT when a node has two owners.
#include "check.h"

enum { NODES = 2, ROUNDS = 30, GUARDS = 8 };

struct node {
  struct node *next;
  uint64_t guard[GUARDS];
  atomic_int owners;
};

static struct node nodes[NODES];
static _Atomic(struct node *) top;

/// Looks first whether someone has written over the node.
static struct node *successor(const struct node *node) {
  struct node *next = node->next;
  for (int i = 0; i < GUARDS; i++) check(node->guard[i] == 0);
  return next;
}

static struct node *pop(void) {
  struct node *first = top;
  while (first != NULL && !atomic_compare_exchange_weak(&top, &first, successor(first))) {}
  return first;
}

static void push(struct node *node) {
  struct node *first = top;
  do node->next = first;
  while (!atomic_compare_exchange_weak(&top, &first, node));
}

static struct node *take(void) {
  struct node *node = pop();
  if (node != NULL && atomic_fetch_add(&node->owners, 1) != 0) abort();
  return node;
}

static void give_back(struct node *node) {
  if (node == NULL) return;
  atomic_fetch_sub(&node->owners, 1);
  push(node);
}

static void *work(void *argument) {
  long number = (long)argument;
  for (int round = 0; round < ROUNDS; round++) {
    struct node *first = take();
    struct node *second = take();
    give_back(first);
    // The second one is in use for some time, and each thread has other things to do.
    sleep_milliseconds(2 + number);
    give_back(second);
    sleep_milliseconds(3 - number);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[2];
  for (int i = 0; i < NODES; i++) push(&nodes[i]);
  for (long i = 0; i < 2; i++) start_thread(&threads[i], work, (void *)i);
  for (int i = 0; i < 2; i++) join_thread(threads[i]);
  return succeed();
}
