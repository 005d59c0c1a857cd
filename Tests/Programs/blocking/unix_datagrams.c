// AF_UNIX datagrams and sequenced packets keep message boundaries; peeking and truncation.
#include "check.h"
#include <sys/socket.h>

int main(void) {
  for (int type = 0; type < 2; type++) {
    int fds[2];
    check(socketpair(AF_UNIX, type ? SOCK_SEQPACKET : SOCK_DGRAM, 0, fds) == 0);
    pid_t child = fork();
    if (child == 0) {
      for (int i = 1; i <= 5; i++) {
        char message[100];
        memset(message, 'a' + i, sizeof message);
        check(send(fds[1], message, i * 10, 0) == i * 10);
      }
      _exit(0);
    }
    char buffer[64];
    check(recv(fds[0], buffer, sizeof buffer, MSG_PEEK) == 10);
    for (int i = 1; i <= 4; i++) check(recv(fds[0], buffer, sizeof buffer, 0) == i * 10 && buffer[0] == 'a' + i);
    struct iovec vector = {buffer, 20};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    check(recvmsg(fds[0], &header, 0) == 20 && header.msg_flags & MSG_TRUNC);
    expect_exit(child, 0);
    check_fails(recv(fds[0], buffer, 1, MSG_DONTWAIT), EAGAIN);
  }
  return succeed();
}
