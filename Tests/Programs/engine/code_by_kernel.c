// The kernel writes code: read(2), readv(2), pread(2), recv(2), getrandom(2), process_vm_writev(2), /proc/self/mem.
#include "emit.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char *page;
static int value = 100;

static void expect(const char *how) {
  check(call(page + 64) == value);
  say("%s: %d", how, value);
  value++;
}

int main(void) {
  page = map_code(12288, PROT_READ | PROT_WRITE | PROT_EXEC);
  page += 4000;  // `page + 64` and what follows straddle a page boundary.
  unsigned char bytes[FUNCTION_SIZE];
  int pipes[2], sockets[2];
  check(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  int fd = open("code", O_CREAT | O_RDWR, 0600), memory = open("/proc/self/mem", O_RDWR);
  check(fd >= 0 && memory >= 0);
  emit_value(page + 64, 1);
  check(call(page + 64) == 1);
  for (int round = 0; round < 4; round++) {
    emit_value(bytes, value);
    check(write(pipes[1], bytes, 6) == 6 && read(pipes[0], page + 64, 6) == 6);
    expect("read");
    emit_value(bytes, value);
    check(write(pipes[1], bytes, 6) == 6);
    struct iovec parts[2] = {{page + 64, 2}, {page + 66, 4}};
    check(readv(pipes[0], parts, 2) == 6);
    expect("readv");
    emit_value(bytes, value);
    check(pwrite(fd, bytes, 6, 0) == 6 && pread(fd, page + 64, 6, 0) == 6);
    expect("pread");
    emit_value(bytes, value);
    check(send(sockets[0], bytes, 6, 0) == 6 && recv(sockets[1], page + 64, 6, 0) == 6);
    expect("recv");
    emit_value(bytes, value);
    check(send(sockets[0], bytes, 6, 0) == 6);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    check(recvmsg(sockets[1], &message, 0) == 6);
    expect("recvmsg");
    emit_value(bytes, value);
    struct iovec from = {bytes, 6}, to = {page + 64, 6};
    check(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 6);
    expect("process_vm_writev");
    emit_value(bytes, value);
    check(pwrite(memory, bytes, 6, (off_t)(uintptr_t)(page + 64)) == 6);
    expect("/proc/self/mem");
    // A short one into the immediate alone, whose result isn't known before.
    check(getrandom(page + 65, 1, 0) == 1);
    value = (value & ~0xff) | (unsigned char)page[65];
    check(call(page + 64) == value);
    say("getrandom: %d", value);
    value = 300 + round;
  }
  return succeed();
}
