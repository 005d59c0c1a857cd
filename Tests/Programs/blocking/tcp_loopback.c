// TCP over loopback: an ephemeral port, names of both sides, a transfer, options, and a refused connection.
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer;
  socklen_t length = sizeof address;
  check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0);
  check(getsockname(listener, (struct sockaddr *)&address, &length) == 0 && address.sin_port != 0);
  pid_t child = fork();
  if (child == 0) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
    static char block[50000];
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(i >> 3);
    for (size_t sent = 0; sent < sizeof block;) {
      ssize_t count = send(fd, block + sent, sizeof block - sent, MSG_NOSIGNAL);
      check(count > 0);
      sent += count;
    }
    shutdown(fd, SHUT_WR);
    char answer;
    check(read(fd, &answer, 1) == 1 && answer == 'k');
    _exit(0);
  }
  length = sizeof peer;
  int fd = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
  check(fd >= 0 && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  static char buffer[60000];
  size_t total = 0;
  int reads = 0;
  for (ssize_t count; (count = read(fd, buffer + total, sizeof buffer - total)) > 0; reads++) total += count;
  check(total == 50000 && buffer[49999] == (char)(49999 >> 3));
  check(write(fd, "k", 1) == 1);
  expect_exit(child, 0);
  struct tcp_info info;
  length = sizeof info;
  check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0);
  say("ports %d %d, %d reads, rtt %u", ntohs(address.sin_port), ntohs(peer.sin_port), reads, info.tcpi_rtt);
  close(fd);
  close(listener);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  check_fails(connect(fd, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
  return succeed();
}
