#include "calculate.h"
#include <stdlib.h>
#include <string.h>

static struct symbol { struct symbol *next; char name[32]; double value; } *buckets[16];

static struct symbol **bucket(const char *name) {
  unsigned hash = 0;
  for (const char *at = name; *at; at++) hash = hash * 31 + (unsigned char)*at;
  return &buckets[hash % 16];
}

static struct symbol *find(const char *name) {
  for (struct symbol *symbol = *bucket(name); symbol; symbol = symbol->next)
    if (!strcmp(symbol->name, name)) return symbol;
  return NULL;
}

double symbol_get(const char *name) {
  struct symbol *symbol = find(name);
  if (!symbol) fail("no such name", name);
  return symbol->value;
}

void symbol_set(const char *name, double value) {
  struct symbol *symbol = find(name);
  if (!symbol) {
    symbol = calloc(1, sizeof *symbol);
    if (!symbol) fail("out of memory", "");
    strncpy(symbol->name, name, sizeof symbol->name - 1);
    struct symbol **head = bucket(name);
    symbol->next = *head;
    *head = symbol;
  }
  symbol->value = value;
}
