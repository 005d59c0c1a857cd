// POSIX and System V message queues between processes.
#include "check.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

static void posix_queue(void) {
  char name[64];
  sprintf(name, "/rrs-test-%d", getpid());
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
  mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  if (queue == (mqd_t)-1) {
    say("no POSIX queues: %s", strerror(errno));
    return;
  }
  check(mq_unlink(name) == 0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 10; i++) check(mq_send(queue, (char *)&i, sizeof i, i) == 0);
    _exit(0);
  }
  int sum = 0;
  for (int i = 0; i < 10; i++) {
    char buffer[64];
    unsigned priority;
    check(mq_receive(queue, buffer, sizeof buffer, &priority) == 4);
    sum += *(int *)buffer;
  }
  check(sum == 45);
  expect_exit(child, 0);
  struct timespec past = {1, 0};
  char buffer[64];
  check_fails(mq_timedreceive(queue, buffer, sizeof buffer, NULL, &past), ETIMEDOUT);
}

int main(void) {
  posix_queue();
  int queue = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
  check(queue >= 0);
  struct { long type; char text[32]; } message = {0};
  pid_t child = fork();
  if (child == 0) {
    sleep_milliseconds(3);
    for (int i = 1; i <= 3; i++) {
      message.type = i;
      sprintf(message.text, "message %d", i);
      check(msgsnd(queue, &message, sizeof message.text, 0) == 0);
    }
    _exit(0);
  }
  check(msgrcv(queue, &message, sizeof message.text, 2, 0) == 32 && strcmp(message.text, "message 2") == 0);
  check(msgrcv(queue, &message, sizeof message.text, 0, 0) == 32 && message.type == 1);
  expect_exit(child, 0);
  struct msqid_ds state;
  check(msgctl(queue, IPC_STAT, &state) == 0 && state.msg_qnum == 1 && state.msg_lspid == child);
  say("last sender %d at %ld", state.msg_lspid, state.msg_stime);
  check(msgctl(queue, IPC_RMID, NULL) == 0);
  return succeed();
}
