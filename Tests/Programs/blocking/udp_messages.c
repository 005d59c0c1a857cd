// UDP over loopback: recvfrom(2), recvmmsg(2) and sendmmsg(2), receive time-outs and timestamps.
#include "check.h"
#include <arpa/inet.h>
#include <sys/socket.h>

int main(void) {
  int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer;
  socklen_t length = sizeof address;
  check(bind(server, (struct sockaddr *)&address, length) == 0);
  check(getsockname(server, (struct sockaddr *)&address, &length) == 0);
  check(setsockopt(server, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) == 0);
  check(sendto(client, "hello", 5, 0, (struct sockaddr *)&address, length) == 5);
  char buffers[4][32], control[256];
  struct iovec vector = {buffers[0], 32};
  struct msghdr header = {&peer, sizeof peer, &vector, 1, control, sizeof control, 0};
  check(recvmsg(server, &header, 0) == 5);
  struct timespec stamp;
  memcpy(&stamp, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof stamp);
  say("from port %d at %ld.%09ld", ntohs(peer.sin_port), stamp.tv_sec, stamp.tv_nsec);
  check(sendto(server, "back", 4, 0, (struct sockaddr *)&peer, sizeof peer) == 4);
  check(recvfrom(client, buffers[0], 32, 0, NULL, NULL) == 4);

  struct iovec vectors[4];
  struct mmsghdr messages[4] = {0};
  check(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
  for (int i = 0; i < 4; i++) {
    vectors[i] = (struct iovec){buffers[i], (size_t)i + 1};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  check(sendmmsg(client, messages, 4, 0) == 4 && messages[3].msg_len == 4);
  for (int i = 0; i < 4; i++) vectors[i].iov_len = 32;
  memset(buffers, 0, sizeof buffers);
  struct timespec timeout = {5, 0};
  check(recvmmsg(server, messages, 4, MSG_WAITFORONE, &timeout) >= 1);
  struct timeval wait = {0, 3000};
  check(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0);
  check_fails(recv(client, buffers[0], 32, 0), EAGAIN);
  return succeed();
}
