// A bank whose accounts don't add up in one run of fifty.
// compile: -O0
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct account {
  long cents;
  char owner[20];
};

static const char *first_names[] = {
    "Ann", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hugo", "Ida", "Joe", "Kim", "Maximilian"};
static const char *last_names[] = {
    "Ash", "Birch", "Cole", "Dunn", "Ellis", "Featherstonehaugh", "Gray", "Hill", "Kent", "Lamb", "Moss", "Nash"};

static unsigned choose(unsigned count) {
  unsigned number = 0;
  getrandom(&number, sizeof number, 0);
  return number % count;
}

static void set_owner(struct account *account, const char *first, const char *last) {
  char *to = account->owner;
  while (*first) *to++ = *first++;
  *to++ = ' ';
  while (*last) *to++ = *last++;
  *to = 0;
}

static long total(const struct account *accounts, int count) {
  long sum = 0;
  for (int i = 0; i < count; i++) sum += accounts[i].cents;
  return sum;
}

int main(void) {
  struct account *accounts = calloc(4, sizeof *accounts);
  long paid = 0;
  for (int i = 0; i < 4; i++) {
    accounts[i].cents = 10000 + choose(90000);
    paid += accounts[i].cents;
  }
  for (int i = 0; i < 3; i++) set_owner(&accounts[i], first_names[choose(12)], last_names[choose(12)]);
  set_owner(&accounts[3], "The", "Bank");
  for (int i = 0; i < 4; i++) printf("%-20s %8.2f\n", accounts[i].owner, accounts[i].cents / 100.0);
  fflush(stdout);
  if (total(accounts, 4) != paid) abort();
  return 0;
}
