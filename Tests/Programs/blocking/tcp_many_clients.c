// A threaded echo server and many client threads, IPv6 or IPv4 loopback.
// checksum: 200
#include "check.h"
#include <arpa/inet.h>
#include <sys/socket.h>

static struct sockaddr_in address;
static int listener;

static void *echo(void *argument) {
  int fd = (int)(intptr_t)argument;
  char buffer[256];
  ssize_t count;
  while ((count = recv(fd, buffer, sizeof buffer, 0)) > 0) check(send(fd, buffer, count, 0) == count);
  close(fd);
  return NULL;
}

static void *server(void *unused) {
  pthread_t threads[12];
  for (int i = 0; i < 12; i++) {
    int fd = accept(listener, NULL, NULL);
    check(fd >= 0);
    start_thread(&threads[i], echo, (void *)(intptr_t)fd);
  }
  for (int i = 0; i < 12; i++) join_thread(threads[i]);
  return unused;
}

static void *client(void *argument) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  char sent[64], got[64];
  for (int i = 0; i < 10; i++) {
    int length = sprintf(sent, "client %ld message %d", (long)(intptr_t)argument, i);
    check(send(fd, sent, length, 0) == length);
    check(recv(fd, got, length, MSG_WAITALL) == length && memcmp(sent, got, length) == 0);
  }
  close(fd);
  return NULL;
}

int main(void) {
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 20) == 0);
  check(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  pthread_t main_server, clients[12];
  start_thread(&main_server, server, NULL);
  for (intptr_t i = 0; i < 12; i++) start_thread(&clients[i], client, (void *)i);
  for (int i = 0; i < 12; i++) join_thread(clients[i]);
  join_thread(main_server);
  say("port %d", ntohs(address.sin_port));
  return succeed();
}
