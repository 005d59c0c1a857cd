#include "calculate.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void lexer_start(struct lexer *lexer, const char *text) {
  lexer->text = text;
  lexer_next(lexer);
}

void lexer_next(struct lexer *lexer) {
  while (isspace((unsigned char)*lexer->text)) lexer->text++;
  struct token *token = &lexer->current;
  memset(token, 0, sizeof *token);
  if (!*lexer->text) return;
  if (isdigit((unsigned char)*lexer->text)) {
    char *end;
    token->kind = TOKEN_NUMBER;
    token->number = strtod(lexer->text, &end);
    lexer->text = end;
  } else if (isalpha((unsigned char)*lexer->text)) {
    token->kind = TOKEN_NAME;
    for (size_t i = 0; i < sizeof token->name - 1 && isalnum((unsigned char)*lexer->text); i++)
      token->name[i] = *lexer->text++;
  } else {
    token->kind = TOKEN_OPERATOR;
    token->operator= *lexer->text++;
  }
}
