import CTranslationHarness
import KernelABI
import Translation
import X86

// Runs code natively and translated, and compares. What it runs isn't to be trusted with another's process: the tests
// start this as a program of its own.
//
//     TranslationHarness random SEED COUNT near|far|split transfers|branches
//     TranslationHarness functions LIBRARY near|far|split
//     TranslationHarness bench LIBRARY [FUNCTION…]
//     TranslationHarness translate LIBRARY SYMBOL BYTES
//     TranslationHarness dump LIBRARY FUNCTION

func usage() -> Never {
  print("usage: TranslationHarness random SEED COUNT near|far|split transfers|branches")
  print("       TranslationHarness functions LIBRARY near|far|split")
  print("       TranslationHarness bench LIBRARY [FUNCTION…]")
  print("       TranslationHarness translate LIBRARY SYMBOL BYTES")
  print("       TranslationHarness dump LIBRARY FUNCTION")
  exitProcess(64)
}

func runRandom(_ arguments: [String]) -> Bool {
  guard arguments.count == 4, let seed = UInt64(arguments[0]), let count = UInt64(arguments[1]) else { usage() }
  var options = TranslationOptions()
  if arguments[3] == "branches" { options.tickDefinition = .retiredConditionalBranches }
  var test = DifferentialTest(options)
  if count == 0 {
    test.explain(seed: seed)
    return true
  }
  var failures = 0
  for index in 0..<count {
    var problems = test.run(seed: seed &+ index)
    if index % 20 == 0 { problems += test.runCollisions(seed: seed &+ index) }
    if !problems.isEmpty {
      failures += 1
      print("seed \(seed &+ index): \(problems.joined(separator: "; "))")
      if failures >= 10 { break }
    }
  }
  print(
    "\(test.caseCount) programs, \(test.stepCount) steps, \(test.tickCount) ticks, \(test.faultCount) faults, "
      + "\(failures) failures; bytes in zones: \(test.zoneUse)")
  print(test.statistics)
  return failures == 0
}

let functions: [(name: String, count: UInt64)] = [
  ("fib", 15), ("tight_loop", 1000), ("wide_loop", 500), ("nested_loops", 50), ("sort", 5), ("strings", 100),
  ("formatting", 30), ("interpreter", 2000), ("function_pointers", 1000), ("floating", 2000), ("long_jumps", 40),
  ("carries", 1000),
]

func runFunctions(_ arguments: [String]) -> Bool {
  guard arguments.count == 2 else { usage() }
  var test = FunctionTest(library: arguments[0], TranslationOptions())
  var failures = 0
  for function in functions {
    let problems = test.compare(function.name, function.count)
    if !problems.isEmpty {
      failures += 1
      print("\(function.name): \(problems.joined(separator: "; "))")
    }
  }
  print("\(functions.count) functions, \(failures) failures")
  print(test.statistics)
  return failures == 0
}

let benchmarks: [(name: String, count: UInt64)] = [
  ("fib", 32), ("tight_loop", 200_000_000), ("wide_loop", 10_000_000), ("nested_loops", 1_000_000), ("sort", 20_000),
  ("strings", 300_000), ("formatting", 200_000), ("interpreter", 50_000_000), ("function_pointers", 50_000_000),
  ("floating", 30_000_000),
]

func runBenchmarks(_ arguments: [String]) {
  var test = FunctionTest(library: arguments[0], TranslationOptions())
  if let near = test.nearZone { test.addZone(near) }
  for benchmark in benchmarks where arguments.count < 2 || arguments[1...].contains(benchmark.name) {
    test.measure(benchmark.name, benchmark.count)
  }
  print(test.statistics)
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "random": exitProcess(runRandom(Array(arguments.dropFirst())) ? 0 : 1)
case "functions": exitProcess(runFunctions(Array(arguments.dropFirst())) ? 0 : 1)
case "bench" where arguments.count > 1: runBenchmarks(Array(arguments.dropFirst()))
case "translate" where arguments.count == 4:
  var test = FunctionTest(library: arguments[1], TranslationOptions())
  test.measureTranslation(arguments[2], byteCount: UInt64(arguments[3]) ?? 0)
case "dump" where arguments.count == 3:
  var test = FunctionTest(library: arguments[1], TranslationOptions())
  if let near = test.nearZone { test.addZone(near) }
  test.dump(arguments[2])
default: usage()
}
