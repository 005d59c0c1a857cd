// A calculator of several files: something real for make and the compiler to do.
#ifndef CALCULATE_H
#define CALCULATE_H
#include <stdbool.h>
#include <stddef.h>

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_NAME, TOKEN_OPERATOR };
struct token { enum token_kind kind; double number; char name[32]; char operator; };
struct lexer { const char *text; struct token current; };
void lexer_start(struct lexer *lexer, const char *text);
void lexer_next(struct lexer *lexer);

enum node_kind { NODE_NUMBER, NODE_NAME, NODE_UNARY, NODE_BINARY, NODE_CALL, NODE_ASSIGN };
struct node { enum node_kind kind; double number; char name[32]; char operator; struct node *left, *right; };
struct node *parse(const char *text);
void node_free(struct node *node);

double evaluate(const struct node *node);
double symbol_get(const char *name);
void symbol_set(const char *name, double value);
_Noreturn void fail(const char *message, const char *detail);
#endif
