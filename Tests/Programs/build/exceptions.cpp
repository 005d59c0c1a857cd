// C++ exceptions through several frames and out of threads, with destructors, the standard library and dynamic casts.
#include <algorithm>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct Shape { virtual ~Shape() = default; virtual double area() const = 0; };
struct Circle : Shape { double radius = 2; double area() const override { return 3.14159 * radius * radius; } };
struct Square : Shape { double side = 3; double area() const override { return side * side; } };

static int live;
struct Guard { Guard() { live++; } ~Guard() { live--; } };

static int dig(int depth) {
  Guard guard;
  if (depth == 0) throw std::out_of_range("bottom");
  try {
    return dig(depth - 1) + 1;
  } catch (const std::out_of_range &error) {
    if (depth % 10 == 0) throw std::runtime_error(std::string(error.what()) + " " + std::to_string(depth));
    throw;
  }
}

int main() {
  int caught = 0;
  for (int i = 1; i < 200; i++) {
    try { dig(i % 25); } catch (const std::exception &error) { caught += (int)std::string(error.what()).size(); }
  }
  auto future = std::async(std::launch::async, [] { return dig(3); });
  try { future.get(); } catch (const std::out_of_range &error) { std::printf("from a thread: %s\n", error.what()); }
  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 0; i < 10; i++) i % 2 ? shapes.emplace_back(new Circle) : shapes.emplace_back(new Square);
  auto is_circle = [](auto &shape) { return dynamic_cast<Circle *>(shape.get()) != nullptr; };
  long circles = std::count_if(shapes.begin(), shapes.end(), is_circle);
  std::unordered_map<std::string, int> words;
  std::map<int, std::string> sorted;
  for (int i = 0; i < 2000; i++) words["word" + std::to_string(i * 7919 % 500)]++;
  for (auto &[word, count] : words) sorted[count * 1000 + (int)word.size()] = word;
  std::printf("%d caught, %d live, %ld circles, %zu words, %p\n", caught, live, circles, words.size(),
              (void *)shapes[0].get());
  std::puts("EXIT-SUCCESS");
  return live;
}
