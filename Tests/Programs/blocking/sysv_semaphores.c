// System V semaphores: operations that block, undo at exit, and their state.
#include "check.h"
#include <sys/ipc.h>
#include <sys/sem.h>

union argument { int value; struct semid_ds *state; unsigned short *all; };

int main(void) {
  int set = semget(IPC_PRIVATE, 3, 0600 | IPC_CREAT);
  check(set >= 0);
  check(semctl(set, 0, SETALL, (union argument){.all = (unsigned short[]){1, 0, 5}}) == 0);
  pid_t child = fork();
  if (child == 0) {
    check(semop(set, &(struct sembuf){0, -1, SEM_UNDO}, 1) == 0);
    check(semop(set, &(struct sembuf){1, 1, 0}, 1) == 0);
    sleep_milliseconds(5);
    _exit(0);
  }
  check(semop(set, &(struct sembuf){1, -1, 0}, 1) == 0);
  check(semop(set, &(struct sembuf){0, -1, 0}, 1) == 0);
  expect_exit(child, 0);
  check_fails(semop(set, &(struct sembuf){1, -1, IPC_NOWAIT}, 1), EAGAIN);
  struct timespec timeout = {0, 2000000};
  check_fails(semtimedop(set, &(struct sembuf){1, -1, 0}, 1, &timeout), EAGAIN);
  unsigned short all[3];
  check(semctl(set, 0, GETALL, (union argument){.all = all}) == 0 && all[2] == 5);
  struct semid_ds state;
  check(semctl(set, 0, IPC_STAT, (union argument){.state = &state}) == 0 && state.sem_nsems == 3);
  check(semctl(set, 0, GETPID) == getpid());
  say("set %d at %ld", set, state.sem_otime);
  check(semctl(set, 0, IPC_RMID) == 0);
  return succeed();
}
