// System V shared memory: attached twice, by a child, and read-only; removed while attached.
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

int main(void) {
  int id = shmget(IPC_PRIVATE, 20000, IPC_CREAT | 0600);
  check(id >= 0);
  char *one = shmat(id, NULL, 0), *two = shmat(id, NULL, SHM_RDONLY);
  check(one != (void *)-1 && two != (void *)-1 && one != two);
  strcpy(one, "through one");
  check(strcmp(two, "through one") == 0);
  pid_t child = fork();
  if (child == 0) {
    check(strcmp(one, "through one") == 0);
    sprintf(one + 10000, "%d", getpid());
    char *own = shmat(id, NULL, 0);
    check(own != (void *)-1 && strcmp(own, "through one") == 0);
    own[19999] = 'e';
    check(shmdt(own) == 0);
    _exit(0);
  }
  expect_exit(child, 0);
  check(atoi(two + 10000) == child && two[19999] == 'e');
  struct shmid_ds state;
  check(shmctl(id, IPC_STAT, &state) == 0 && state.shm_nattch == 2 && state.shm_segsz == 20000);
  say("%p %p, last %d at %ld", one, two, state.shm_lpid, state.shm_dtime);
  check(shmctl(id, IPC_RMID, NULL) == 0);
  check(shmdt(two) == 0 && strcmp(one, "through one") == 0 && shmdt(one) == 0);
  check_fails(shmdt(one), EINVAL);
  check_fails((long)shmat(id, NULL, 0), EINVAL);
  return succeed();
}
