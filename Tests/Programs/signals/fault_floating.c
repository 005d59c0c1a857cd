// Floating-point exceptions that are let through: SIGFPE with its code, and the unit's state after the handler.
// compile: -lm
#include "check.h"
#include <fenv.h>
#include <setjmp.h>

static sigjmp_buf back;
static volatile int code;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  code = info->si_code;
  siglongjmp(back, signal);
}

int main(void) {
  volatile double zero = 0, one = 1, result = 5;
  handle_info(SIGFPE, handler, 0);
  feenableexcept(FE_DIVBYZERO | FE_INVALID);
  if (sigsetjmp(back, 1) == 0) result = one / zero;
  check(code == FPE_FLTDIV && result == 5);
  feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(FE_INVALID);
  if (sigsetjmp(back, 1) == 0) result = zero / zero;
  check(code == FPE_FLTINV && result == 5);
  feclearexcept(FE_ALL_EXCEPT);
  fedisableexcept(FE_ALL_EXCEPT);
  result = one / zero;
  check(fetestexcept(FE_DIVBYZERO));
  return succeed();
}
