import Foundation
import TestSupport
import Testing

/// Traces whose ticks are conditional branches, recorded by one engine and replayed by both: the translator's, and the
/// hardware engine with a simulated counter. Each session is a process of its own, `EngineHarness`.
@Suite("Engines", .serialized, .enabled(if: EngineHarness.isBuilt, "EngineHarness isn't built"))
struct RecordReplayMatrixTests {
  static let programs = ["interrupted_loop", "spinning_threads", "without_branches"].map { TestProgram("ticks/" + $0) }
  static let simulated = ["simulated,seed=1,skid=20", "simulated,seed=2,skid=0", "simulated,seed=3,skid=150"]

  @Test("the translator's traces replay everywhere", .timeLimit(.minutes(10)), arguments: programs)
  func recordedBySoftware(program: TestProgram) throws {
    let recording = try EngineHarness.record(program, by: "software", slice: 150)
    #expect(recording.header == "software retiredConditionalBranches")
    for engine in ["software", "simulated,seed=4,skid=30"] { try recording.checkReplay(by: engine) }
  }

  /// Where a handler returns to an instruction at which, a few ticks later, a time slice ends.
  @Test("points right behind a system call are met", .timeLimit(.minutes(10)), arguments: [5, 7, 10])
  func rightBehindCalls(slice: Int) throws {
    for program in ["interrupted_loop", "without_branches"] {
      let recording = try EngineHarness.record(TestProgram("ticks/" + program), by: "software", slice: slice)
      try recording.checkReplay(by: "simulated,seed=4,skid=30")
    }
  }

  @Test("a counter's traces replay everywhere", .timeLimit(.minutes(10)), arguments: programs)
  func recordedByCounter(program: TestProgram) throws {
    let recording = try EngineHarness.record(program, by: Self.simulated[0], slice: 150)
    #expect(recording.header == "hardware retiredConditionalBranches")
    #expect(recording.preemptionCount >= 3)
    for engine in ["software"] + Self.simulated { try recording.checkReplay(by: engine) }
  }

  /// Threads, a child that shares its parent's translations, and a new image.
  static let much = """
    import json, os, re, subprocess, threading
    threads = [threading.Thread(target=lambda: re.sub("a+", "b", "caab" * 50)) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    child = os.fork()
    if child == 0:
        import decimal
        os._exit(int(decimal.Decimal(7) + 1))
    print(os.waitpid(child, 0)[1] >> 8, json.dumps({"x": [1.5, None]}), subprocess.run(["ls", "/"], capture_output=True).returncode)
    print("EXIT-SUCCESS")
    """

  @Test(
    "full code caches are emptied", .timeLimit(.minutes(10)), .enabled(if: TestEnvironment.has("python3"), "no python3"))
  func smallCaches() throws {
    let recording = try EngineHarness.record(
      "/usr/bin/python3", ["-c", Self.much], by: "small", slice: 50_000)
    let count = recording.recording.errorText.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0
    #expect(count > 2, "\(recording.recording)")
    try recording.checkReplay(by: "small")
  }

  @Test("interrupts that come at system calls don't reach into them", .timeLimit(.minutes(10)))
  func atSystemCalls() throws {
    let recording = try EngineHarness.record(TestProgram("ticks/many_calls"), by: "simulated,seed=8,skid=15", slice: 4)
    let words = recording.recording.errorText.split { $0 == " " || $0 == "\n" }
    let left = words.firstIndex(of: "left").flatMap { Int(words[$0 + 1]) } ?? 0
    #expect(left > 10, "\(recording.recording)")
    for engine in ["software", Self.simulated[0]] { try recording.checkReplay(by: engine) }
  }

  @Test("interrupts that get lost while recording only make time slices longer", .timeLimit(.minutes(10)))
  func lostInRecording() throws {
    let recording = try EngineHarness.record(
      TestProgram("ticks/spinning_threads"), by: "simulated,seed=5,lost=60", slice: 150)
    for engine in ["software", Self.simulated[0]] { try recording.checkReplay(by: engine) }
  }

  @Test(
    "a counter that is worse than it may be is found out", .timeLimit(.minutes(10)),
    arguments: ["simulated,seed=6,lost=100", "simulated,seed=7,late=100,skid=2"])
  func brokenInReplay(engine: String) throws {
    let recording = try EngineHarness.record(TestProgram("ticks/spinning_threads"), by: Self.simulated[0], slice: 150)
    let replay = try EngineHarness.run(["replay", engine, recording.trace])
    #expect(replay.status == .exited(70) && replay.leftOver.isEmpty, "\(replay)")
    #expect(replay.errorText.contains("the counter skidded further than"), "\(replay)")
  }
}

/// Runs the program of that name, which links the sessions with engines of the tests.
enum EngineHarness {
  static let path = (RRSCommand.path as NSString).deletingLastPathComponent + "/EngineHarness"
  static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: path) }

  static func run(_ arguments: [String]) throws -> CommandResult {
    try RunningCommand([path] + arguments).finish(within: 60 * TestEnvironment.patience)
  }

  struct Trace {
    var directory: TemporaryDirectory
    var trace: String
    var recording: CommandResult
    var header = ""
    var preemptionCount = 0

    func checkReplay(by engine: String) throws {
      let replay = try run(["replay", engine, trace])
      let differences = RecordReplay.compare(recording, replay)
      if !differences.isEmpty { directory.keep() }
      #expect(differences.isEmpty, "\(engine), \(trace): \(differences) \(replay)")
    }
  }

  static func record(_ program: TestProgram, by engine: String, slice: Int) throws -> Trace {
    try record(program.build(), [], by: engine, slice: slice)
  }

  static func record(_ program: String, _ arguments: [String], by engine: String, slice: Int) throws -> Trace {
    let directory = try TemporaryDirectory("engines")
    let trace = try directory.makeDirectory("trace")
    let recording = try run(["record", engine, trace, "\(slice)", program] + arguments)
    #expect(recording.isSuccess && recording.outputText.hasSuffix("EXIT-SUCCESS\n"), "\(recording)")
    let words = try run(["events", trace]).outputText.split { $0 == " " || $0 == "\n" }
    try #require(words.count == 6, "\(words)")
    return Trace(
      directory: directory, trace: trace, recording: recording, header: words[4...].joined(separator: " "),
      preemptionCount: Int(words[1]) ?? 0)
  }
}
