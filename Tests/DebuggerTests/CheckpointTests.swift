import Foundation
import TestSupport
import Testing

/// Persistent checkpoints of real recordings.
@Suite(
  "Debugger: persistent checkpoints", .serialized, .timeLimit(.minutes(10)),
  .enabled(if: canDebug, "rrs isn't built, or gdb isn't installed"))
struct CheckpointTests {
  struct Subject: CustomTestStringConvertible, Sendable {
    var name: String
    var needs: [String] = []
    var options: [String] = []
    var command: @Sendable () throws -> [String]

    var testDescription: String { name }
    var isHere: Bool { needs.allSatisfy { TestEnvironment.has($0) } }
  }

  static let subjects = [
    Subject(name: "every way to touch memory") { [try TestProgram("debugger/touches").build()] },
    Subject(name: "threads, with chaos", options: ["--chaos"]) { [try TestProgram("debugger/workers").build()] },
    Subject(name: "python3", needs: ["python3"]) {
      ["/usr/bin/python3", "-c", "print(sorted({n: str(n) * 3 for n in range(3000)})[-1], len(open('/etc/passwd').read()))"]
    },
    Subject(name: "gcc and its processes", needs: ["gcc"]) {
      ["/bin/sh", "-c", "echo 'int main(){return 0;}' > a.c; gcc -O1 -o a a.c && ./a && echo done"]
    },
    Subject(name: "redis-server", needs: ["redis-server"]) {
      [
        "/bin/sh", "-c",
        """
        redis-server --port 0 --unixsocket ./r.sock --save '' --daemonize no > log & while ! [ -S r.sock ]; do sleep 0.05; done
        (for n in 1 2 3 4 5 6 7 8; do echo "SET key$n value$n"; echo "LPUSH list $n"; done
          echo LRANGE list 0 -1; echo SHUTDOWN NOSAVE) | redis-cli -s ./r.sock | tail -3; wait
        """,
      ]
    },
  ]

  /// RRS_TEST_POINTS: how many checkpoints are made of each recording.
  static let count = TestEnvironment.number("RRS_TEST_POINTS") ?? 6

  /// Registers, ticks, extended state and memory of every process are those of a replay from the start; so they are further on,
  /// and back over the place again.
  @Test(arguments: subjects) func whatIsRestoredIsWhatAReplayComesTo(_ subject: Subject) throws {
    try #require(subject.isHere, "\(subject.needs) not installed: Scripts/setup --tests installs them")
    let recording = try DebuggedRecording(try subject.command(), options: subject.options)
    var random = SeededRandom()
    let seed = UInt64.random(in: 1...999_999, using: &random)
    let result = try run(
      [TimelineTests.harness, "saved", recording.trace, "\(Self.count)", "\(seed)"], within: 300 * TestEnvironment.patience)
    let isRight = result.isSuccess && result.leftOver.isEmpty && (result.outputText.split(separator: " ").first ?? "0") != "0"
    if !isRight { recording.directory.keep() }
    #expect(isRight, "\(subject.name), seed \(seed) (RRS_TEST_SEED=\(random.seed))\n\(result)")
    let verified = try RRSCommand.run(["verify", recording.trace])
    #expect(verified.isSuccess, "\(verified)")
  }

  // MARK: - In a debugger

  @Test func theDebuggersCheckpointsComeBackWithTheirNumbers() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    try recording.debug("""
      > load-checkpoints
      No saved checkpoints.
      > write-checkpoints
      No checkpoints.
      > break weigh
      > continue
      Breakpoint 1, weigh
      > checkpoint
      Checkpoint 1 at weigh
      > delete checkpoint 1
      > next
      > checkpoint
      Checkpoint 2 at weigh
      > continue
      > checkpoint
      Checkpoint 3 at weigh
      > write-checkpoints
      Checkpoint 2 saved
      Checkpoint 3 saved
      > write-checkpoints
      Checkpoint 2 was saved before
      """)
    try recording.debug("""
      > info checkpoints
      No checkpoints.
      > load-checkpoints
      Checkpoint 2 at weigh
      Checkpoint 3 at weigh
      > info checkpoints
      weigh
      weigh
      > load-checkpoints
      Checkpoint 2 is here already
      > restart 2
      > where
      weigh
      main
      > break weigh
      > reverse-continue
      Breakpoint 1, weigh
      > restart 3
      > reverse-stepi
      > stepi
      > checkpoint
      Checkpoint 4 at weigh
      """)
  }

  // MARK: - On the command line

  private func rrs(_ arguments: [String]) throws -> CommandResult {
    try RRSCommand.run(arguments, environment: DebuggedRecording.environment, within: 60 * TestEnvironment.patience)
  }

  private func files(_ trace: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: trace) where !name.hasPrefix("checkpoints") {
      found[name] = FileManager.default.contents(atPath: trace + "/" + name)
    }
    return found
  }

  @Test func theyAreMadeShownAndRemoved() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/touches"))
    let before = try files(recording.trace)
    let made = try rrs(["create-checkpoints", "-i", "20", recording.trace])
    #expect(made.isSuccess && made.outputText.contains("checkpoint 2 at event 40\n"), "\(made)")
    let more = try rrs(["create-checkpoints", "-g", "31", "-g", "33", recording.trace])
    #expect(more.isSuccess && more.outputText.contains("at event 31\n"), "\(more)")
    #expect(more.outputText.contains("2 checkpoints saved"), "\(more)")
    let timed = try rrs(["create-checkpoints", "--interval", "1000", recording.trace])
    #expect(timed.isSuccess && timed.outputText.contains("1 checkpoints saved"), "\(timed)")
    let dump = try rrs(["dump", recording.trace])
    #expect(dump.outputText.contains("\n    checkpoint 1 at event 20\n"), "\(dump)")
    let count = dump.outputText.split(separator: "\n").count { $0.hasPrefix("    checkpoint ") }
    let list = try rrs(["ls", "-l", (recording.trace as NSString).deletingLastPathComponent])
    #expect(list.outputText.contains(" \(count)  "), "\(list)")
    #expect(try files(recording.trace) == before)
    let gone = try rrs(["rm", "--checkpoints", recording.trace])
    #expect(gone.isSuccess && !FileManager.default.fileExists(atPath: recording.trace + "/checkpoints"), "\(gone)")
    #expect(try files(recording.trace) == before)
    for arguments in [["-g", "99999"], ["-g", "0"], ["-i", "0"], ["--interval", "0"], ["-i", "3", "-g", "4"]] {
      let refused = try rrs(["create-checkpoints"] + arguments + [recording.trace])
      #expect(!refused.isSuccess && refused.errorText.split(separator: "\n").count == 1, "\(refused)")
    }
  }

  // MARK: - While recording

  /// A second process follows the recording; at its end there is a checkpoint right before the last thing that happens.
  @Test func aRecordingMakesThemMeanwhile() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/computing"), ["100"], options: ["--checkpoint-interval", "0.1"])
    #expect(recording.recording.leftOver.isEmpty, "\(recording.recording)")
    let dump = try rrs(["dump", recording.trace]).outputText.split(separator: "\n")
    let places = dump.filter { $0.hasPrefix("    checkpoint ") }
    #expect(places.count > 1 && places.contains { $0.contains(", ticks ") }, "\(dump)")
    // It ends with exit_group(2), the exit, and the end.
    let last = Int(dump.last?.split(separator: " ").first ?? "") ?? 0
    #expect(places.last?.hasSuffix("at event \(last - 3)") ?? false, "\(dump)")
    #expect(try rrs(["verify", recording.trace]).isSuccess)
    try recording.debug(
      """
      > break late
      > reverse-continue
      Breakpoint 1, late
      > break early
      > reverse-continue
      Breakpoint 2, early
      > continue
      Breakpoint 1, late
      """, replay: ["-e"])
    #expect(try rrs(["replay", "-a", recording.trace]).isSuccess)
  }

  /// What it has made stays, and it goes.
  @Test func aKilledRecorderTakesItsFollowerAlong() throws {
    let directory = try TemporaryDirectory("follower")
    let trace = directory.file("trace")
    let command = try RRSCommand.start(
      ["record", "--checkpoint-interval", "0.1", "-o", trace, "--", try TestProgram("unending/chatter").build()],
      directory: directory.path, environment: DebuggedRecording.environment)
    func isMade() -> Bool { FileManager.default.fileExists(atPath: trace + "/checkpoints/2") }
    try wait(until: isMade)
    command.send(SIGKILL)
    try wait { !command.isRunning && command.family.isEmpty }
    let result = try command.finish(within: 10)
    #expect(result.status == .killed(SIGKILL) && result.leftOver.isEmpty, "\(result)")
    let verified = try rrs(["verify", trace])
    #expect(verified.isSuccess, "\(verified)")
    let rerun = try rrs(["rerun", "-s", "100", "-e", "101", "--event-regs=event", trace])
    #expect(rerun.isSuccess && rerun.outputText == "event:100\n" && rerun.errorText.isEmpty, "\(rerun)")
  }

  private func wait(until condition: () -> Bool) throws {
    let deadline = Date().addingTimeInterval(30 * TestEnvironment.patience)
    while !condition() {
      guard Date() < deadline else { throw TestFailure("waited too long") }
      usleep(10_000)
    }
  }

  // MARK: - On the way to a place

  /// Registers at each event are the same from the nearest checkpoint on, and the log tells that one was used.
  @Test func aRerunBeginsAtTheNearest() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/touches"))
    #expect(try rrs(["create-checkpoints", "-i", "7", recording.trace]).isSuccess)
    let last = try Int(rrs(["dump", recording.trace, "end"]).outputText.split(separator: " ").first ?? "") ?? 0
    #expect(last > 40)
    for start in [last / 3, last / 2, last - 4] {
      let arguments = ["-s", "\(start)", "--event-regs=event,ticks,gp_x16,flags", "-e", "\(start + 3)", recording.trace]
      let near = try rrs(["rerun"] + arguments)
      let whole = try rrs(["rerun", "--ignore-pcp"] + arguments)
      #expect(near.isSuccess && near.outputText == whole.outputText && !near.outputText.isEmpty, "\(near)\n\(whole)")
    }
    let log = try rrs(["dump", "-s", recording.trace, "end"])
    #expect(log.outputText.split(separator: "\n").count { $0.contains("loaded checkpoint") } == 3, "\(log)")
  }

  /// They name what is mapped by the record of the mapping, which a pack keeps, not by its file.
  @Test func theyOutliveAPack() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/touches"))
    #expect(try rrs(["create-checkpoints", "-g", "40", recording.trace]).isSuccess)
    let arguments = ["rerun", "-s", "42", "-e", "45", "--event-regs=event,ticks,gp_x16", recording.trace]
    let before = try rrs(arguments)
    let packed = try rrs(["pack", recording.trace])
    #expect(packed.isSuccess, "\(packed)")
    let behind = try rrs(arguments)
    #expect(behind.isSuccess && behind.outputText == before.outputText && behind.errorText.isEmpty, "\(behind)\n\(before)")
    let log = try rrs(["dump", "-s", recording.trace, "end"])
    #expect(log.outputText.split(separator: "\n").count { $0.contains("loaded checkpoint") } == 2, "\(log)")
    // In an archive, too, which stays as it is.
    let archive = recording.directory.file("trace.rrs")
    #expect(try rrs(["pack", "--archive", archive, recording.trace]).isSuccess)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
    let archived = try rrs(arguments.dropLast() + [archive])
    #expect(archived.isSuccess && archived.outputText == before.outputText && archived.errorText.isEmpty, "\(archived)")
    #expect(try rrs(["dump", archive]).outputText.contains("\n    checkpoint 1 at event 40\n"))
    let refused = try rrs(["create-checkpoints", "-g", "30", archive])
    #expect(!refused.isSuccess && refused.errorText.contains("rrs unpack"), "\(refused)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: archive)) == bytes)
  }

  /// One that can't be used is told of, and the way begins at the start.
  @Test(arguments: ["pages", "1"]) func damagedOnesAreLeftOut(_ name: String) throws {
    let recording = try DebuggedRecording(TestProgram("debugger/touches"))
    #expect(try rrs(["create-checkpoints", "-g", "40", recording.trace]).isSuccess)
    let url = URL(fileURLWithPath: recording.trace + "/checkpoints/" + name)
    let whole = try Data(contentsOf: url)
    var altered = whole
    altered[altered.count / 2] ^= 4
    for bytes in [altered, Data(whole.prefix(whole.count * 2 / 3)), Data()] {
      try bytes.write(to: url)
      let verified = try rrs(["verify", recording.trace])
      #expect(verified.status == .exited(65) && verified.errorText.contains(url.path), "\(verified)")
      let rerun = try rrs(["rerun", "-s", "42", "-e", "43", "--event-regs=event", recording.trace])
      #expect(rerun.isSuccess && rerun.outputText == "event:42\n", "\(rerun)")
      #expect(rerun.errorText.contains("can't be used, and is left out") && rerun.errorText.contains("--checkpoints"), "\(rerun)")
      try recording.debug(
        """
        > when
        Completed event: 41
        """, replay: ["-g", "41"])
    }
    try recording.debug(
      """
      > when
      Completed event: 41
      """, replay: ["--ignore-pcp", "-g", "41"])
    try whole.write(to: url)
    #expect(try rrs(["verify", recording.trace]).isSuccess)
  }
}
