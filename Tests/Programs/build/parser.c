#include "calculate.h"
#include <stdlib.h>
#include <string.h>

static struct node *make(enum node_kind kind, char operator, struct node *left, struct node *right) {
  struct node *node = calloc(1, sizeof *node);
  if (!node) fail("out of memory", "");
  node->kind = kind, node->operator= operator, node->left = left, node->right = right;
  return node;
}

static bool accept(struct lexer *lexer, char operator) {
  if (lexer->current.kind != TOKEN_OPERATOR || lexer->current.operator!= operator) return false;
  lexer_next(lexer);
  return true;
}

static struct node *expression(struct lexer *lexer, int level);

static struct node *primary(struct lexer *lexer) {
  struct token token = lexer->current;
  if (accept(lexer, '(')) {
    struct node *inside = expression(lexer, 0);
    if (!accept(lexer, ')')) fail("expected", ")");
    return inside;
  }
  if (accept(lexer, '-')) return make(NODE_UNARY, '-', primary(lexer), NULL);
  lexer_next(lexer);
  if (token.kind == TOKEN_NUMBER) {
    struct node *node = make(NODE_NUMBER, 0, NULL, NULL);
    node->number = token.number;
    return node;
  }
  if (token.kind != TOKEN_NAME) fail("unexpected", (char[]){token.operator, 0});
  struct node *node = make(NODE_NAME, 0, NULL, NULL);
  strcpy(node->name, token.name);
  if (accept(lexer, '(')) {
    node->kind = NODE_CALL;
    node->left = expression(lexer, 0);
    if (!accept(lexer, ')')) fail("expected", ")");
  } else if (accept(lexer, '=')) {
    node->kind = NODE_ASSIGN;
    node->left = expression(lexer, 0);
  }
  return node;
}

static struct node *expression(struct lexer *lexer, int level) {
  static const char *levels[] = {"+-", "*/%", "^"};
  if (level == 3) return primary(lexer);
  struct node *left = expression(lexer, level + 1);
  while (lexer->current.kind == TOKEN_OPERATOR && strchr(levels[level], lexer->current.operator)) {
    char operator= lexer->current.operator;
    lexer_next(lexer);
    left = make(NODE_BINARY, operator, left, expression(lexer, operator== '^' ? level : level + 1));
  }
  return left;
}

struct node *parse(const char *text) {
  struct lexer lexer;
  lexer_start(&lexer, text);
  struct node *node = expression(&lexer, 0);
  if (lexer.current.kind != TOKEN_END) fail("left over", lexer.text);
  return node;
}

void node_free(struct node *node) {
  if (!node) return;
  node_free(node->left);
  node_free(node->right);
  free(node);
}
