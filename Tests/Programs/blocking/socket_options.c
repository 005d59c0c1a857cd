// Socket options read back; connect(2) without blocking; SO_ERROR; FIONREAD on a socket.
#include "check.h"
#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), value;
  socklen_t length = sizeof value;
  struct linger linger = {1, 3};
  check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
  int options[] = {SO_TYPE, SO_RCVBUF, SO_SNDBUF, SO_KEEPALIVE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN};
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    check(getsockopt(fd, SOL_SOCKET, options[i], &value, &length) == 0 && length == sizeof value);
    say("option %d: %d", options[i], value);
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0);
  check(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  int result = connect(fd, (struct sockaddr *)&address, length);
  check(result == 0 || errno == EINPROGRESS);
  struct pollfd entry = {fd, POLLOUT, 0};
  check(poll(&entry, 1, -1) == 1);
  length = sizeof value;
  check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length) == 0 && value == 0);
  int peer = accept(listener, NULL, NULL);
  check(write(peer, "12345", 5) == 5);
  check(poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) == 1);
  check(ioctl(fd, FIONREAD, &value) == 0 && value == 5);
  check_fails(getsockopt(fd, SOL_SOCKET, 12345, &value, &length), ENOPROTOOPT);
  return succeed();
}
