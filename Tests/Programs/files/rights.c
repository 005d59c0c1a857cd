// chmod, fchmod, fchmodat, chown, access, faccessat2, umask, utimensat: rights and times set and checked.
#include "check.h"

int main(void) {
  umask(027);
  int fd = open("file", O_CREAT | O_RDWR, 0666);
  struct stat state;
  check(fstat(fd, &state) == 0 && (state.st_mode & 0777) == 0640);
  check(umask(022) == 027);
  check(fchmod(fd, 0400) == 0 && chmod("file", 0755) == 0 && fchmodat(AT_FDCWD, "file", 0751, 0) == 0);
  check(stat("file", &state) == 0 && (state.st_mode & 0777) == 0751);
  check(access("file", F_OK) == 0 && access("file", X_OK) == 0 && faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS) == 0);
  check_fails(access("nothing", F_OK), ENOENT);
  check(chown("file", getuid(), getgid()) == 0 && fchown(fd, -1, -1) == 0 && lchown("file", -1, getgid()) == 0);
  struct timespec times[2] = {{1000, 5}, {2000, 7}};
  check(utimensat(AT_FDCWD, "file", times, 0) == 0 && stat("file", &state) == 0 && state.st_mtim.tv_nsec == 7);
  times[0].tv_nsec = UTIME_NOW;
  times[1].tv_nsec = UTIME_OMIT;
  check(futimens(fd, times) == 0 && fstat(fd, &state) == 0 && state.st_mtim.tv_sec == 2000);
  say("used at %ld.%09ld", state.st_atim.tv_sec, state.st_atim.tv_nsec);
  struct timeval old[2] = {{5, 6}, {7, 8}};
  check(utimes("file", old) == 0 && stat("file", &state) == 0 && state.st_atim.tv_sec == 5);
  unlink("file");
  return succeed();
}
