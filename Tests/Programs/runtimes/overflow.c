// Memory errors that AddressSanitizer finds: it unwinds, finds names, and ends the process.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static int reads(const char *text, int index) { return text[index]; }

int main(void) {
  for (int kind = 0; kind < 3; kind++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      char *text = malloc(10), local[10] = "local";
      strcpy(text, "heap");
      if (kind == 1) free(text);
      printf("%d\n", reads(kind == 2 ? local : text, kind == 0 ? 10 : kind == 1 ? 2 : 11));
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("kind %d: %s\n", kind, WIFEXITED(status) && WEXITSTATUS(status) == 1 ? "found" : "missed");
  }
  puts("EXIT-SUCCESS");
  return 0;
}
