// Accepts connections on the loopback port that it prints, and answers each until one says "end".
#include "check.h"
#include <arpa/inet.h>
#include <sys/socket.h>

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 5) == 0);
  check(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  say("port %d", ntohs(address.sin_port));
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    check(fd >= 0);
    char text[64] = {0};
    ssize_t count = read(fd, text, sizeof text - 1);
    check(count >= 0 && write(fd, text, count) == count);
    say("heard %s", text);
    close(fd);
    if (strncmp(text, "end", 3) == 0) return succeed();
  }
}
