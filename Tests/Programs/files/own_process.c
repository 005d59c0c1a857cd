// What /proc/self says: links to program, directory and descriptors; status; task lists; reading own memory and
// command line.
#include "check.h"
#include <dirent.h>

int main(void) {
  char text[4096] = {0};
  const char *links[] = {"/proc/self/exe", "/proc/self/cwd", "/proc/self/root", "/proc/self", "/proc/thread-self"};
  for (int i = 0; i < 5; i++) {
    ssize_t count = readlink(links[i], text, sizeof text - 1);
    check(count > 0);
    text[count] = 0;
    say("%s: %s", links[i], text);
  }
  DIR *descriptors = opendir("/proc/self/fd");
  check(descriptors);
  int open_count = 0;
  while (readdir(descriptors)) open_count++;
  closedir(descriptors);
  const char *files[] = {"/proc/self/comm", "/proc/self/limits", "/proc/self/io", "/proc/self/environ",
                         "/proc/self/smaps"};
  for (int i = 0; i < 5; i++) {
    int fd = open(files[i], O_RDONLY);
    ssize_t count = fd >= 0 ? read(fd, text, sizeof text) : -1;
    say("%s: %zd bytes %016lx", files[i], count, count > 0 ? digest(text, count) : 0);
    close(fd);
  }
  static char own[16] = "own memory";
  int fd = open("/proc/self/mem", O_RDWR);
  check(fd >= 0 && pread(fd, text, 16, (off_t)(uintptr_t)own) == 16 && strcmp(text, own) == 0);
  check(pwrite(fd, "written!", 9, (off_t)(uintptr_t)own) == 9);
  check(strcmp(*(char (*volatile)[16]) & own, "written!") == 0);
  say("%d entries", open_count);
  return succeed();
}
