// Four threads that all want the one registry, which is made when it is wanted first.
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>
#include <unistd.h>
#include <vector>

class Registry {
 public:
  Registry() { usleep(1000); }  // It reads its configuration.

  void enter(int member) {
    std::lock_guard<std::mutex> guard(lock);
    members.insert(member);
  }

  std::size_t count() const { return members.size(); }

 private:
  std::mutex lock;
  std::set<int> members;
};

Registry *registry;

Registry &shared_registry() {
  if (registry == nullptr) registry = new Registry;
  return *registry;
}

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) threads.emplace_back([i] { shared_registry().enter(i); });
  for (std::thread &thread : threads) thread.join();
  std::printf("%zu of 4 are in the registry\n", registry->count());
  std::fflush(stdout);
  if (registry->count() != 4) std::abort();
}
