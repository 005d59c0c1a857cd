import Foundation
import TestSupport
import Testing

/// What going to and fro on a recording must keep, at random places: TimelineHarness tries it.
@Suite(
  "Timeline", .serialized, .timeLimit(.minutes(10)), .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct TimelineTests {
  struct Subject: Sendable, CustomStringConvertible {
    var name: String
    var command: @Sendable () throws -> [String]
    var options: [String] = []

    var description: String { name }

    static func program(_ name: String) -> Subject {
      Subject(name: name, command: { [try TestProgram(name).build()] })
    }
  }

  static let subjects: [Subject] = [
    .program("debugger/calls"), .program("signals/interval_timers"), .program("processes/threads_basic"),
    Subject(
      name: "a pipeline of the shell",
      command: { ["/bin/bash", "-c", "seq 200 | while read n; do echo $((n * n)); done | sort | tail -3"] }),
  ]

  /// RRS_TEST_POINTS: how many places of each recording are gone to (12; 200 before a release).
  static let count = TestEnvironment.number("RRS_TEST_POINTS") ?? 12

  /// Beside the rrs under test.
  static var harness: String {
    URL(fileURLWithPath: RRSCommand.path).deletingLastPathComponent().appendingPathComponent("TimelineHarness").path
  }

  /// Forwards from the start, backwards from the end and in any order: the same registers and the same memory; single steps, and
  /// the same ones back; breakpoints and watchpoints, which are the same in both directions.
  @Test(arguments: subjects) func bothDirections(_ subject: Subject) throws { try tryBothDirections(subject) }

  @Test(.enabled(if: TestEnvironment.has("python3"), "no python3")) func bothDirectionsOfPython() throws {
    let program = "print(sorted({n: str(n) * 3 for n in range(300)})[-1])"
    try tryBothDirections(Subject(name: "python3", command: { ["/usr/bin/python3", "-c", program] }))
  }

  private func tryBothDirections(_ subject: Subject) throws {
    let recording = try DebuggedRecording(try subject.command(), options: subject.options)
    var random = SeededRandom()
    for mode in ["points", "steps", "stops"] {
      let seed = UInt64.random(in: 1...999_999, using: &random)
      let arguments = [mode, recording.trace, "\(mode == "steps" ? max(Self.count / 2, 4) : Self.count)", "\(seed)"]
      let result = try run([Self.harness] + arguments, within: 300 * TestEnvironment.patience)
      let count = result.outputText.split(separator: " ").first.flatMap { Int($0) } ?? 0
      let isRight = result.isSuccess && result.leftOver.isEmpty && (mode == "stops" || count > 0)
      if !isRight { recording.directory.keep() }
      #expect(isRight, "\(subject), seed \(seed) (RRS_TEST_SEED=\(random.seed))\n\(result)")
    }
  }

  @Test func anInterruptIsHeardWhileTheProgramComputes() throws {
    let recording = try DebuggedRecording([try TestProgram("debugger/computing").build(), "60"])
    let result = try run([Self.harness, "interrupts", recording.trace, "0", "0"], within: 120 * TestEnvironment.patience)
    #expect(result.isSuccess && result.leftOver.isEmpty, "\(result)")
  }

  @Test func moreIsWatchedThanThereAreRegistersFor() throws {
    let recording = try DebuggedRecording([try TestProgram("ticks/many_calls").build()])
    let result = try run([Self.harness, "pages", recording.trace, "8", "1"], within: 240 * TestEnvironment.patience)
    #expect(result.isSuccess && result.leftOver.isEmpty, "\(result)")
  }
}
