// A listening AF_UNIX socket, connections by path and by abstract name, peer credentials, shutdown.
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

static void serve(struct sockaddr_un *address, socklen_t length) {
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(listener >= 0 && bind(listener, (struct sockaddr *)address, length) == 0 && listen(listener, 5) == 0);
  pid_t child = fork();
  if (child == 0) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)address, length) == 0);
    check(send(fd, &(pid_t){getpid()}, 4, 0) == 4);
    check(shutdown(fd, SHUT_WR) == 0);
    char text[16];
    check(recv(fd, text, 5, MSG_WAITALL) == 5 && memcmp(text, "reply", 5) == 0);
    _exit(0);
  }
  struct sockaddr_un peer;
  socklen_t size = sizeof peer;
  int fd = accept(listener, (struct sockaddr *)&peer, &size);
  check(fd >= 0 && peer.sun_family == AF_UNIX);
  struct ucred credentials;
  socklen_t bytes = sizeof credentials;
  check(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) == 0 && credentials.pid == child);
  pid_t claimed;
  check(recv(fd, &claimed, 4, MSG_WAITALL) == 4 && claimed == child);
  check(recv(fd, &claimed, 4, 0) == 0);
  check(write(fd, "reply", 5) == 5);
  expect_exit(child, 0);
  close(fd);
  close(listener);
  say("peer %d", credentials.pid);
}

int main(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  serve(&address, sizeof address);
  unlink("socket");
  int length = sprintf(address.sun_path + 1, "rrs-test-%d", getpid());
  address.sun_path[0] = 0;
  serve(&address, offsetof(struct sockaddr_un, sun_path) + 1 + length);
  return succeed();
}
