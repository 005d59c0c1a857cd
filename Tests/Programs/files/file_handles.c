// name_to_handle_at(2), and watching a file system's mounts with what the kernel offers.
#include "check.h"

int main(void) {
  make_file("file", "handle", 6);
  union { struct file_handle handle; char bytes[256]; } space = {.handle = {.handle_bytes = 128}};
  int mount;
  if (name_to_handle_at(AT_FDCWD, "file", &space.handle, &mount, 0) == 0)
    say("handle of %u bytes, type %d, mount %d, %016lx", space.handle.handle_bytes, space.handle.handle_type, mount,
        digest(space.handle.f_handle, space.handle.handle_bytes));
  else
    say("no handles: %s", strerror(errno));
  space.handle.handle_bytes = 0;
  int result = name_to_handle_at(AT_FDCWD, "file", &space.handle, &mount, 0);
  check(result == -1 && (errno == EOVERFLOW || errno == EOPNOTSUPP));
  unlink("file");
  return succeed();
}
