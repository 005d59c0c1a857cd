import Foundation
import Glibc
import TestSupport
import Testing

/// Recorders that die, disks that fill, traces that are damaged: a clear end, never a crash or a hang.
@Suite("Robustness", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct RobustnessTests {
  /// What a replay of an incomplete or damaged trace may do: end in time, not by a signal of its own, and say something
  /// where it doesn't succeed.
  private func checkClearEnd(_ result: CommandResult, _ situation: String) {
    #expect(!result.isOutOfTime, "hangs \(situation): \(result)")
    if case .killed = result.status { Issue.record("crashes \(situation): \(result)") }
    #expect(result.leftOver.isEmpty, "leaves processes \(situation): \(result)")
    if result.status != .exited(0) { #expect(result.errorText.contains("rrs"), "no message \(situation): \(result)") }
    #expect(!result.errorText.contains("Fatal error"), "traps \(situation): \(result)")
  }

  @Test("the recorder is killed at any moment", .timeLimit(.minutes(10)))
  func recorderKilled() throws {
    var random = SeededRandom()
    let program = try TestProgram("unending/chatter").build()
    var replayed = 0
    for round in 0..<20 {
      let directory = try TemporaryDirectory("killed")
      let trace = directory.file("trace")
      let command = try RRSCommand.start(["record", "-o", trace, "--", program], directory: try directory.makeDirectory("work"))
      usleep(UInt32.random(in: 20_000...700_000, using: &random))
      command.send(SIGKILL)
      let recording = try command.finish(within: 10)
      let situation = "(round \(round), seed \(random.seed))"
      #expect(recording.status == .killed(SIGKILL))
      #expect(recording.leftOver.isEmpty, "tracees outlive their recorder \(situation): \(recording)")
      let replay = try RecordReplay([]).replay(trace, in: directory)
      checkClearEnd(replay, situation)
      #expect(recording.output.starts(with: replay.output), "shows what wasn't recorded \(situation): \(replay)")
      if replay.status == .exited(0) {
        replayed += 1
        #expect(replay.errorText.contains("cut short"), "doesn't say so \(situation): \(replay)")
      } else {
        // Too early for a trace: nothing of the program was shown either.
        #expect(replay.output.isEmpty && !replay.errorText.contains("diverged"), "\(situation): \(replay)")
      }
    }
    #expect(replayed >= 10, "only \(replayed) of 20 traces could be replayed (seed \(random.seed))")
  }

  @Test("the disk is full", .timeLimit(.minutes(10)), .enabled(if: TestEnvironment.isRoot, "mounting needs root"))
  func diskFull() throws {
    let directory = try TemporaryDirectory("full")
    let disk = try directory.makeDirectory("disk")
    let mounted = try run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk])
    guard mounted.isSuccess else { throw TestFailure("can't mount a tmpfs: \(mounted)") }
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let program = try TestProgram("unending/random_reader").build()
    let recording = try RRSCommand.run(
      ["record", "-o", disk + "/trace", "--", program], directory: try directory.makeDirectory("work"), within: 60)
    checkClearEnd(recording, "(recording)")
    #expect(recording.status != .exited(0) && recording.errorText.contains("rrs:"), "\(recording)")
    let replay = try RecordReplay([]).replay(disk + "/trace", in: directory)
    checkClearEnd(replay, "(replay)")
    #expect(replay.status == .exited(0) && replay.errorText.contains("cut short"), "\(replay)")
    #expect(!replay.output.isEmpty && recording.output.starts(with: replay.output), "\(replay)")
  }

  /// A small trace, and its files by path inside it, except those of the programs.
  private func smallTrace(_ directory: TemporaryDirectory) throws -> (trace: String, streams: [String]) {
    let trace = directory.file("original")
    let program = try TestProgram("unending/chatter").build()
    let recording = try RRSCommand.run(["record", "-o", trace, "--", program, "120"], directory: directory.path)
    try #require(recording.isSuccess, "\(recording)")
    let streams = TemporaryDirectory.contents(trace).sorted().filter { name in
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: trace + "/" + name, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
    try #require(!streams.isEmpty)
    return (trace, streams)
  }

  /// Copies the trace, with one file altered.
  private func alter(
    _ trace: String, _ stream: String, in directory: TemporaryDirectory, _ change: (inout Data) -> Void
  ) throws -> String {
    let copy = directory.file("altered")
    TemporaryDirectory.remove(copy)
    try FileManager.default.copyItem(atPath: trace, toPath: copy)
    let path = URL(fileURLWithPath: copy + "/" + stream)
    var bytes = try Data(contentsOf: path)
    change(&bytes)
    try bytes.write(to: path)
    return copy
  }

  @Test("streams are cut off anywhere", .timeLimit(.minutes(10)))
  func truncated() throws {
    var random = SeededRandom()
    let directory = try TemporaryDirectory("truncated")
    let (trace, streams) = try smallTrace(directory)
    for stream in streams {
      let size = try Data(contentsOf: URL(fileURLWithPath: trace + "/" + stream)).count
      guard size > 0 else { continue }
      let fixed = Set([0, 1, min(40, size - 1), size / 2, size - 1])
      for offset in fixed.union((0..<4).map { _ in Int.random(in: 0..<size, using: &random) }).sorted() {
        let copy = try alter(trace, stream, in: directory) { $0 = $0.prefix(offset) }
        for verb in [["replay", "-a"], ["verify"], ["dump"]] {
          let result = try RRSCommand.run(verb + [copy], directory: directory.path, within: 20)
          checkClearEnd(result, "(\(verb[0]), \(stream) cut at \(offset) of \(size), seed \(random.seed))")
        }
      }
    }
  }

  @Test("single bits are flipped", .timeLimit(.minutes(10)))
  func flipped() throws {
    var random = SeededRandom()
    let directory = try TemporaryDirectory("flipped")
    let (trace, streams) = try smallTrace(directory)
    for stream in streams {
      let size = try Data(contentsOf: URL(fileURLWithPath: trace + "/" + stream)).count
      guard size > 0 else { continue }
      for _ in 0..<6 {
        let offset = Int.random(in: 0..<size, using: &random)
        let bit = UInt8.random(in: 0..<8, using: &random)
        let copy = try alter(trace, stream, in: directory) { $0[offset] ^= 1 << bit }
        let situation = "(\(stream), bit \(bit) of byte \(offset), seed \(random.seed))"
        checkClearEnd(try RRSCommand.run(["replay", "-a", copy], directory: directory.path, within: 20), situation)
        let verified = try RRSCommand.run(["verify", copy], directory: directory.path, within: 20)
        checkClearEnd(verified, situation)
        #expect(verified.status != .exited(0), "verify doesn't notice \(situation): \(verified)")
        #expect(verified.errorText.contains(stream) || verified.outputText.contains(stream), "\(situation): \(verified)")
      }
    }
  }

  @Test("what is no trace is refused", .timeLimit(.minutes(10)))
  func refused() throws {
    let directory = try TemporaryDirectory("refused")
    let empty = try directory.makeDirectory("empty")
    for path in [empty, directory.file("nothing"), "/etc/passwd", "/"] {
      for verb in [["replay", "-a"], ["verify"], ["dump"], ["ps"]] {
        let result = try RRSCommand.run(verb + [path], directory: directory.path, within: 20)
        checkClearEnd(result, "(\(verb[0]) of \(path))")
        #expect(result.status != .exited(0), "\(result)")
      }
    }
  }

  @Test("memory doesn't grow with the trace", .timeLimit(.minutes(10)))
  func memoryIsBounded() throws {
    let directory = try TemporaryDirectory("memory")
    let trace = directory.file("trace")
    let program = try TestProgram("unending/chatter").build()
    let recording = try RRSCommand.run(
      ["record", "-o", trace, "--", program, "15000"], directory: directory.path, within: 120)
    try #require(recording.isSuccess, "\(recording)")
    var results = [("record", recording)]
    for verb in [["replay", "-a", "-q"], ["dump"], ["dump", "--json"], ["verify"], ["ps"], ["traceinfo"]] {
      let result = try RRSCommand.run(verb + [trace], directory: directory.path, within: 120)
      #expect(result.isSuccess, "\(verb): \(result.errorText.suffix(500))")
      results.append((verb.joined(separator: " "), result))
    }
    #expect(recording.peakKibibytes > 1 << 10, "the recorder's memory wasn't measured")
    for (verb, result) in results {
      #expect(result.peakKibibytes < 100 << 10, "\(verb) took \(result.peakKibibytes) KiB")
    }
  }

  /// Random programs from a seed each, for RRS_SOAK_SECONDS: 600 is a good night's rest.
  @Test("a soak of random programs", .timeLimit(.minutes(60)))
  func soak() throws {
    var random = SeededRandom()
    let program = try TestProgram("unending/soak").build()
    let deadline = Date().addingTimeInterval(Double(TestEnvironment.soakSeconds))
    var count = 0
    while Date() < deadline || count < 5 {
      let seed = random.next() % 1_000_000_000
      var trial = RecordReplay([program, "\(seed)", "\(Int.random(in: 5...80, using: &random))"])
      if count % 3 == 1 { trial.recordOptions = ["-s"] }
      trial.checksumInterval = count % 4 == 0 ? 25 : nil
      let outcome = try trial.run { $0.outputText.hasSuffix("EXIT-SUCCESS\n") ? nil : "the program failed" }
      #expect(outcome.problems.isEmpty, "\(trial.command) \(trial.recordOptions): \(outcome.report())")
      if !outcome.problems.isEmpty { return }
      count += 1
    }
  }
}
