// A memfd passed to another process over a socket is mapped there: both see each other's writes.
#include "check.h"
#include <sys/socket.h>

int main(void) {
  int fds[2];
  check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {{0}};
  char byte = 'x';
  struct iovec vector = {&byte, 1};
  struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                          .msg_controllen = sizeof control};
  pid_t child = fork();
  if (child == 0) {
    int memory = memfd_create("shared", 0);
    check(memory >= 0 && ftruncate(memory, 8192) == 0);
    int *values = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    check(values != MAP_FAILED);
    values[0] = getpid();
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET, part->cmsg_type = SCM_RIGHTS, part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &memory, sizeof memory);
    check(sendmsg(fds[1], &header, 0) == 1);
    check(read(fds[1], &byte, 1) == 1);
    check(values[1] == values[0] + 1);
    values[1000] = 1234;
    _exit(0);
  }
  check(recvmsg(fds[0], &header, 0) == 1);
  int memory;
  memcpy(&memory, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof memory);
  int *values = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  check(values != MAP_FAILED && values[0] == child);
  values[1] = values[0] + 1;
  check(write(fds[0], "x", 1) == 1);
  expect_exit(child, 0);
  check(values[1000] == 1234);
  return succeed();
}
