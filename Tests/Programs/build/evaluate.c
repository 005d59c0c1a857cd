#include "calculate.h"
#include <math.h>
#include <string.h>

static double call(const char *name, double argument) {
  if (!strcmp(name, "sqrt")) return sqrt(argument);
  if (!strcmp(name, "sin")) return sin(argument);
  if (!strcmp(name, "fib")) return argument < 2 ? argument : call(name, argument - 1) + call(name, argument - 2);
  fail("no such function", name);
}

double evaluate(const struct node *node) {
  double left, right;
  switch (node->kind) {
  case NODE_NUMBER: return node->number;
  case NODE_NAME: return symbol_get(node->name);
  case NODE_UNARY: return -evaluate(node->left);
  case NODE_CALL: return call(node->name, evaluate(node->left));
  case NODE_ASSIGN:
    left = evaluate(node->left);
    symbol_set(node->name, left);
    return left;
  case NODE_BINARY: break;
  }
  left = evaluate(node->left), right = evaluate(node->right);
  switch (node->operator) {
  case '+': return left + right;
  case '-': return left - right;
  case '*': return left * right;
  case '/': return left / right;
  case '%': return fmod(left, right);
  case '^': return pow(left, right);
  }
  fail("no such operator", (char[]){node->operator, 0});
}
