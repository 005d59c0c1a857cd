// Exceptions through many frames, through library code that called back, out of threads, and rethrown.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int destroyed;
struct Guard {
  int number;
  explicit Guard(int n) : number(n) {}
  ~Guard() { destroyed += number; }
};

__attribute__((noinline)) static int deep(int depth, const std::function<int(int)> &end) {
  Guard guard(depth);
  return depth ? deep(depth - 1, end) + 1 : end(depth);
}

int main() {
  int caught = 0;
  for (int round = 0; round < 300; round++) {
    try {
      deep(round % 40, [&](int) -> int {
        if (round % 3 == 0) throw std::runtime_error("round " + std::to_string(round));
        if (round % 3 == 1) throw round;
        return std::vector<int>(3).at(round + 10);
      });
    } catch (const std::out_of_range &) {
      caught += 1;
    } catch (const std::exception &e) {
      caught += std::string(e.what()) == "round " + std::to_string(round) ? 1000 : -1000000;
    } catch (int value) {
      caught += value == round ? 1 : -1000000;
    }
  }
  std::vector<int> numbers(100);
  for (int i = 0; i < 100; i++) numbers[i] = i * 37 % 100;
  int comparisons = 0;
  try {
    std::sort(numbers.begin(), numbers.end(), [&](int a, int b) {
      if (++comparisons == 200) throw std::logic_error("enough");
      return a < b;
    });
  } catch (const std::logic_error &e) {
    std::printf("%s after %d\n", e.what(), comparisons);
  }
  std::vector<std::future<int>> results;
  for (int i = 0; i < 4; i++)
    results.push_back(std::async(std::launch::async, [i] { return deep(i * 5, [i](int) -> int { throw i; }); }));
  int sum = 0;
  for (auto &result : results) {
    try {
      result.get();
    } catch (int value) {
      sum += value;
    }
  }
  try {
    try {
      std::map<int, int>().at(1);
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (const std::exception &e) {
    try {
      std::rethrow_if_nested(e);
    } catch (const std::exception &inner) {
      std::printf("%s: %s\n", e.what(), inner.what());
    }
  }
  std::printf("%d %d %d\n", caught, destroyed, sum);
  std::puts(caught == 100000 + 200 && sum == 6 ? "EXIT-SUCCESS" : "wrong");
  return 0;
}
