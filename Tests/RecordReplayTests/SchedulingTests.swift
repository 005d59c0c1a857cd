import Foundation
import Glibc
import TestSupport
import Testing

/// Who runs when: time slices, preemption, and the chaos that finds bugs.
@Suite("Scheduling", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct SchedulingTests {
  private static let environment = ["PATH": TestEnvironment.searchPath]

  private func record(_ program: String, _ options: [String], to trace: String) throws -> CommandResult {
    try RRSCommand.run(
      ["record"] + options + ["-o", trace, "--", try TestProgram(program).build()], environment: Self.environment,
      within: 40 * TestEnvironment.patience)
  }

  // MARK: - Chaos

  static let bugs: [(program: String, signal: Int32)] = [
    ("chaos/lost_wakeup", SIGABRT), ("chaos/reused_node", SIGABRT), ("chaos/early_thread", SIGSEGV),
  ]

  /// RRS_CHAOS_SEEDS=all tries all seeds, and says how many find the bug.
  @Test("chaos finds a bug, and replays it", .timeLimit(.minutes(10)), arguments: bugs.indices)
  func finds(_ index: Int) throws {
    let (program, signal) = Self.bugs[index]
    let directory = try TemporaryDirectory("chaos")
    let triesAll = ProcessInfo.processInfo.environment["RRS_CHAOS_SEEDS"] == "all"
    var found: [Int] = []
    for seed in 1...50 where found.isEmpty || triesAll {
      let trace = directory.file("\(seed)")
      let recording = try record(program, ["--chaos-seed=\(seed)"], to: trace)
      #expect([.exited(0), .killed(signal)].contains(recording.status), "seed \(seed): \(recording)")
      if recording.status != .exited(0) {
        found.append(seed)
        for _ in 0..<TestEnvironment.replays {
          let replay = try RecordReplay([]).replay(trace, in: directory)
          let differences = RecordReplay.compare(recording, replay)
          if !differences.isEmpty { directory.keep() }
          #expect(differences.isEmpty, "seed \(seed): \(differences)\n\(replay)\nkept: \(trace)")
        }
      }
      TemporaryDirectory.remove(trace)
    }
    #expect(!found.isEmpty, "\(program): not found in 50 recordings")
    if triesAll { print("\(program): \(found.count) of 50 seeds: \(found)") }
  }

  /// Without rrs the same bugs hide. RRS_PLAIN_RUNS says in how many runs.
  @Test("plain runs don't show the bugs", .timeLimit(.minutes(20)), arguments: bugs.indices)
  func hides(_ index: Int) throws {
    let program = try TestProgram(Self.bugs[index].program).build()
    for _ in 0..<(TestEnvironment.number("RRS_PLAIN_RUNS") ?? 10) {
      let result = try RunningCommand([program]).finish(within: 20 * TestEnvironment.patience)
      #expect(result.isSuccess, "\(result)")
    }
  }

  @Test("the same seed makes the same order", .timeLimit(.minutes(10)), arguments: [7, 8, 9])
  func repeats(_ seed: Int) throws {
    let directory = try TemporaryDirectory("chaos-seed")
    let outputs = try (0..<3).map { number in
      try record("stress/one_mutex", ["--chaos-seed=\(seed)"], to: directory.file("\(number)")).outputText
    }
    #expect(Set(outputs).count == 1 && outputs[0].contains("EXIT-SUCCESS"), "\(outputs)")
  }

  @Test("-h tells its seed, and so does the trace", .timeLimit(.minutes(10)))
  func tellsSeed() throws {
    let directory = try TemporaryDirectory("chaos-option")
    let recording = try record("chaos/early_thread", ["-h"], to: directory.file("trace"))
    let line = recording.errorText.split(separator: "\n").first { $0.contains("--chaos-seed=") }
    let seed = try #require(line?.split(separator: "=").last)
    let header = try RRSCommand.run(["traceinfo", directory.file("trace")]).outputText
    #expect(header.contains("\"chaosMode\": true") && header.contains("\"schedulingSeed\": \(seed)"), "\(header)")
  }

  @Test("whole programs in chaos", .timeLimit(.minutes(10)), arguments: TestProgram.all.enumerated().filter {
    $0.offset % 8 == 0 || ProcessInfo.processInfo.environment["RRS_CHAOS_SEEDS"] == "all"
  }.map(\.element))
  func programs(_ program: TestProgram) throws {
    var trial = RecordReplay([try program.build()])
    trial.recordOptions = ["--chaos-seed=\(program.name.utf8.reduce(1) { $0 * 31 % 1009 + Int($1) })"]
    trial.seconds = 60
    let outcome = try trial.run(expected: program.endsBySignal.map { .killed($0) } ?? .exited(0))
    #expect(outcome.problems.isEmpty, "\(program): \(outcome.report())")
  }

  /// A write to translated code is executed in several attempts: no slice ends between two of them.
  @Test("chaos where code is written", .timeLimit(.minutes(10)), arguments: 1...12) func writtenCode(_ seed: Int) throws {
    var trial = RecordReplay([try TestProgram("engine/code_by_others").build()])
    trial.recordOptions = ["--chaos-seed=\(seed)"]
    let outcome = try trial.run(expected: .exited(0))
    #expect(outcome.problems.isEmpty, "seed \(seed): \(outcome.report())")
  }

  // MARK: - Slices

  @Test("slices have as many ticks as asked for", .timeLimit(.minutes(10)), arguments: [5000, 77_777])
  func slices(_ ticks: Int) throws {
    let directory = try TemporaryDirectory("slices")
    let recording = try record("stress/computing", ["-c", "\(ticks)"], to: directory.file("trace"))
    #expect(recording.isSuccess, "\(recording)")
    let dump = try RRSCommand.run(["dump", directory.file("trace")]).outputText
    var last: [Substring: Int] = [:]
    var distances: [Int] = []
    for line in dump.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 3, let now = Int(words[2]) else { continue }
      if words[3] == "preemption" {
        if let before = last[words[1]] { distances.append(now - before) }
        last[words[1]] = now
      } else {
        last[words[1]] = nil
      }
    }
    // Two preemptions of a thread with nothing between them are a slice apart.
    #expect(distances.count > 500_000 / ticks && distances.allSatisfy { $0 == ticks }, "\(Set(distances))")
  }

  @Test("sched_yield gives way", .timeLimit(.minutes(10)))
  func yields() throws {
    let directory = try TemporaryDirectory("yields")
    let recording = try record("stress/yielding", [], to: directory.file("trace"))
    let steps = try #require(recording.outputText.split(separator: "\n").first)
    let repeated = zip(steps, steps.dropFirst()).count { $0 == $1 }
    #expect(recording.isSuccess && steps.count == 400 && repeated <= 4, "\(recording)")
  }

  // MARK: - Many replays

  /// RRS_REPLAYS=100 for a long run.
  private static let replays = TestEnvironment.number("RRS_REPLAYS") ?? 5

  static let stresses: [(program: String, options: [String])] = [
    ("stress/spinning", []), ("stress/spinning", ["-c", "20000"]), ("stress/spinning", ["-h"]),
    ("stress/one_mutex", ["-c", "500"]), ("stress/one_mutex", ["-s"]), ("stress/one_mutex", ["-h"]),
    ("stress/children", []), ("stress/children", ["-h"]), ("stress/children", ["-u"]),
  ]

  @Test("many replays", .timeLimit(.minutes(60)), arguments: stresses.indices)
  func replays(_ index: Int) throws {
    var trial = RecordReplay([try TestProgram(Self.stresses[index].program).build()])
    trial.recordOptions = Self.stresses[index].options
    trial.replays = Self.replays
    trial.seconds = 60
    let outcome = try trial.run()
    #expect(outcome.problems.isEmpty, "\(Self.stresses[index]): \(outcome.report())")
  }

  @Test("a storm of signals from outside", .timeLimit(.minutes(60)), arguments: [[], ["-h"]])
  func storm(_ options: [String]) throws {
    let live = try OutsideTests.Live([try TestProgram("stress/signal_storm").build()], options: options)
    try live.waitForOutput("computing in")
    let pid = try #require(Int32(live.command.outputSoFar.split(separator: " ").last?.dropLast(2) ?? ""))
    for number in 0..<10_000 {
      kill(pid, number % 2 == 0 ? SIGUSR1 : SIGUSR2)
      if number % 4 == 0 { usleep(50) }
    }
    kill(pid, SIGTERM)
    try live.finish(expected: .exited(0), replays: Self.replays)
  }
}
