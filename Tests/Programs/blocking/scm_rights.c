// Descriptors and credentials travel over a Unix socket with SCM_RIGHTS and SCM_CREDENTIALS.
#include "check.h"
#include <sys/socket.h>

union control {
  char bytes[256];
  struct cmsghdr align;
};

int main(void) {
  int fds[2], one = 1;
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  check(setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one) == 0);
  char byte = 'x';
  struct iovec vector = {&byte, 1};
  union control control = {{0}};
  struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};
  pid_t child = fork();
  if (child == 0) {
    int pair[2];
    check(pipe(pair) == 0);
    check(dprintf(pair[1], "secret of %d", getpid()) > 0);
    close(pair[1]);
    header.msg_controllen = CMSG_SPACE(2 * sizeof(int));
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(part), (int[]){pair[0], 0}, 2 * sizeof(int));
    check(sendmsg(fds[1], &header, 0) == 1);
    _exit(0);
  }
  header.msg_controllen = sizeof control;
  check(recvmsg(fds[0], &header, MSG_CMSG_CLOEXEC) == 1);
  int received[2] = {-1, -1};
  struct ucred credentials = {0};
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_type == SCM_RIGHTS) memcpy(received, CMSG_DATA(part), sizeof received);
    if (part->cmsg_type == SCM_CREDENTIALS) memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
  }
  check(credentials.pid == child && received[0] >= 0 && received[1] >= 0);
  check(fcntl(received[0], F_GETFD) == FD_CLOEXEC);
  char text[64] = {0};
  check(read(received[0], text, sizeof text) > 0);
  expect_exit(child, 0);
  say("%s, descriptors %d %d", text, received[0], received[1]);
  return succeed();
}
