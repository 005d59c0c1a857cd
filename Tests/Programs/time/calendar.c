// Local time from the zone's file, and formatted in several zones.
#include "check.h"

int main(void) {
  const char *zones[] = {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"};
  time_t now = time(NULL);
  for (int i = 0; i < 4; i++) {
    char text[64];
    struct tm parts;
    setenv("TZ", zones[i], 1);
    tzset();
    check(localtime_r(&now, &parts));
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &parts);
    say("%s", text);
  }
  struct timespec adjust;
  check(clock_gettime(CLOCK_REALTIME, &adjust) == 0);
  setenv("TZ", "UTC", 1);
  tzset();
  struct tm parts;
  check(gmtime_r(&now, &parts) && mktime(&parts) == now);
  return succeed();
}
