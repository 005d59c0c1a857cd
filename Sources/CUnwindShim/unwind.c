#include "CUnwindShim.h"

#include <libunwind-ptrace.h>
#include <string.h>
#include <sys/user.h>

// libunwind's ptrace accessors, except for the registers: those are the application's, which the caller knows. They
// lie in a static because libunwind hands its own argument, not the caller's, to accessors that it calls from within
// _UPT_find_proc_info. There is one tracer thread.
static const struct user_regs_struct *current_registers;

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *list, void *arg) {
  (void)space, (void)list, (void)arg;
  return -UNW_ENOINFO;
}
static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *arg) {
  if (write) return -UNW_EINVAL;
  return _UPT_access_mem(space, address, value, 0, arg);
}
static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *arg) {
  (void)space, (void)arg;
  const struct user_regs_struct *r = current_registers;
  if (write) return -UNW_EREADONLYREG;
  switch (number) {
    case UNW_X86_64_RAX: *value = r->rax; return 0;
    case UNW_X86_64_RDX: *value = r->rdx; return 0;
    case UNW_X86_64_RCX: *value = r->rcx; return 0;
    case UNW_X86_64_RBX: *value = r->rbx; return 0;
    case UNW_X86_64_RSI: *value = r->rsi; return 0;
    case UNW_X86_64_RDI: *value = r->rdi; return 0;
    case UNW_X86_64_RBP: *value = r->rbp; return 0;
    case UNW_X86_64_RSP: *value = r->rsp; return 0;
    case UNW_X86_64_R8: *value = r->r8; return 0;
    case UNW_X86_64_R9: *value = r->r9; return 0;
    case UNW_X86_64_R10: *value = r->r10; return 0;
    case UNW_X86_64_R11: *value = r->r11; return 0;
    case UNW_X86_64_R12: *value = r->r12; return 0;
    case UNW_X86_64_R13: *value = r->r13; return 0;
    case UNW_X86_64_R14: *value = r->r14; return 0;
    case UNW_X86_64_R15: *value = r->r15; return 0;
    case UNW_X86_64_RIP: *value = r->rip; return 0;
    default: return -UNW_EBADREG;
  }
}
static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write, void *arg) {
  (void)space, (void)number, (void)value, (void)write, (void)arg;
  return -UNW_EBADREG;
}
static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg) {
  (void)space, (void)cursor, (void)arg;
  return -UNW_EINVAL;
}
int rrs_backtrace(pid_t tid, const uint64_t *registers, rrs_frame *frames, int capacity) {
  unw_accessors_t accessors = {
      .find_proc_info = _UPT_find_proc_info,
      .put_unwind_info = _UPT_put_unwind_info,
      .get_dyn_info_list_addr = get_dyn_info_list_addr,
      .access_mem = access_mem,
      .access_reg = access_reg,
      .access_fpreg = access_fpreg,
      .resume = resume,
      .get_proc_name = _UPT_get_proc_name,
  };
  unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
  if (!space) return 0;
  void *upt = _UPT_create(tid);
  current_registers = (const struct user_regs_struct *)registers;
  int count = 0;
  unw_cursor_t cursor;
  if (upt && unw_init_remote(&cursor, space, upt) == 0) {
    while (count < capacity) {
      unw_word_t ip = 0, offset = 0;
      if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0 || ip == 0) break;
      rrs_frame *frame = &frames[count++];
      memset(frame, 0, sizeof *frame);
      frame->address = ip;
      if (unw_get_proc_name(&cursor, frame->name, sizeof frame->name - 1, &offset) == 0) frame->offset = offset;
      if (unw_step(&cursor) <= 0) break;
    }
  }
  if (upt) _UPT_destroy(upt);
  current_registers = NULL;
  unw_destroy_addr_space(space);
  return count;
}
