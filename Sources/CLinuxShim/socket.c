// Sockets of the debug server.
#define _GNU_SOURCE
#include "CLinuxShim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

long rrs_listen(const char *text, unsigned short port) {
  union address address = {0};
  socklen_t size;
  if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    size = sizeof address.v4;
  } else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(port);
    size = sizeof address.v6;
  } else {
    return -EINVAL;
  }
  int descriptor = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  int yes = 1;
  // A port whose last connection has just ended can be used again at once.
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(descriptor, &address.any, size) || listen(descriptor, 8)) {
    long error = -errno;
    close(descriptor);
    return error;
  }
  return descriptor;
}

long rrs_local_port(int descriptor) {
  union address address;
  socklen_t size = sizeof address;
  if (getsockname(descriptor, &address.any, &size)) return -errno;
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

long rrs_accept(int descriptor) {
  int connection = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return -errno;
  int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return connection;
}

long rrs_receive(int descriptor, void *buffer, size_t count) {
  ssize_t result = recv(descriptor, buffer, count, MSG_DONTWAIT);
  return result < 0 ? -errno : result;
}

long rrs_send(int descriptor, const void *buffer, size_t count) {
  ssize_t result = send(descriptor, buffer, count, MSG_NOSIGNAL);
  return result < 0 ? -errno : result;
}

long rrs_poll_readable(int first, int second, int milliseconds) {
  struct pollfd descriptors[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
  if (poll(descriptors, 2, milliseconds) < 0) return -errno;
  return (descriptors[0].revents != 0) | (descriptors[1].revents != 0) << 1;
}
