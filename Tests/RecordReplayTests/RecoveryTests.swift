import Foundation
import Glibc
import TestSupport
import Testing

/// Recordings whose recorder was killed: `rrs recover` makes whole ones of them.
@Suite("Recovery", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct RecoveryTests {
  private func rrs(_ arguments: String..., in directory: TemporaryDirectory) throws -> CommandResult {
    try RRSCommand.run(arguments, directory: directory.path, within: 60)
  }

  /// Records `chatter` and kills the recorder after a while.
  private func killedRecording(
    _ directory: TemporaryDirectory, _ name: String, microseconds: UInt32
  ) throws -> (trace: String, recording: CommandResult) {
    let trace = directory.file(name)
    let program = try TestProgram("unending/chatter").build()
    let work = try directory.makeDirectory(name + "-work")
    let command = try RRSCommand.start(["record", "-o", trace, "--", program], directory: work)
    usleep(microseconds)
    command.send(SIGKILL)
    return (trace, try command.finish(within: 10))
  }

  /// What must hold for a recovered trace.
  private func checkWhole(_ trace: String, _ directory: TemporaryDirectory, _ situation: String) throws {
    let verified = try rrs("verify", "--records", trace, in: directory)
    #expect(verified.status == .exited(0) && !verified.outputText.contains("cut short"), "\(situation): \(verified)")
    let again = try rrs("recover", trace, in: directory)
    #expect(again.status == .exited(0) && again.outputText.contains("is whole"), "\(situation): \(again)")
    let dumped = try rrs("dump", trace, "end", in: directory)
    #expect(dumped.outputText.contains("end of the recording") && dumped.errorText.isEmpty, "\(situation): \(dumped)")
    let processes = try rrs("ps", trace, in: directory)
    #expect(processes.status == .exited(0), "\(situation): \(processes)")
  }

  @Test("recorders that were killed at any moment", .timeLimit(.minutes(10)))
  func recorderKilled() throws {
    var random = SeededRandom()
    var recovered = 0
    for round in 0..<12 {
      let directory = try TemporaryDirectory("recovered")
      let moment = UInt32.random(in: 20_000...800_000, using: &random)
      let (trace, recording) = try killedRecording(directory, "trace", microseconds: moment)
      let situation = "(round \(round), seed \(random.seed))"
      let before = try rrs("replay", "-a", trace, in: directory)
      let result = try rrs("recover", trace, in: directory)
      guard before.status == .exited(0) else {
        // Too early for a trace.
        #expect(result.status != .exited(0) && result.errorText.contains("rrs"), "\(situation): \(result)")
        continue
      }
      recovered += 1
      #expect(result.status == .exited(0) && !result.outputText.contains("lost"), "\(situation): \(result)")
      try checkWhole(trace, directory, situation)
      let replay = try rrs("replay", "-a", trace, in: directory)
      #expect(replay.status == .exited(0), "\(situation): \(replay)")
      #expect(replay.errorText.contains("rrs recover gave it this end"), "\(situation): \(replay)")
      #expect(replay.output == before.output, "shows something else \(situation): \(replay)")
      #expect(recording.output.starts(with: replay.output), "shows what wasn't recorded \(situation): \(replay)")
    }
    #expect(recovered >= 6, "only \(recovered) of 12 traces could be recovered (seed \(random.seed))")
  }

  @Test("a trace that is being recorded is left alone", .timeLimit(.minutes(10)))
  func recording() throws {
    let directory = try TemporaryDirectory("recording")
    let trace = directory.file("trace")
    let program = try TestProgram("unending/chatter").build()
    let command = try RRSCommand.start(["record", "-o", trace, "--", program], directory: directory.path)
    while access(trace + "/header", F_OK) != 0 { usleep(10_000) }
    let result = try rrs("recover", trace, in: directory)
    #expect(result.status != .exited(0) && result.errorText.contains("is being recorded"), "\(result)")
    command.send(SIGKILL)
    _ = try command.finish(within: 10)
  }

  private static let hasStrace = (try? run(["strace", "-V"]).isSuccess) ?? false

  /// The calls that change files, one after the other: the process dies of SIGKILL at each of them in turn.
  @Test("recoveries that are killed at any call", .timeLimit(.minutes(10)), .enabled(if: hasStrace, "strace isn't here"))
  func recoveryKilled() throws {
    let directory = try TemporaryDirectory("interrupted")
    let (original, _) = try killedRecording(directory, "original", microseconds: 700_000)
    // Damaged as well, so that something is kept in `lost`.
    let data = URL(fileURLWithPath: original + "/data")
    var bytes = try Data(contentsOf: data)
    bytes[bytes.count - 10] ^= 4
    try bytes.write(to: data)
    let replayed = try rrs("replay", "-a", original, in: directory)
    var isDone = false
    for number in 1...200 where !isDone {
      let trace = directory.file("trace")
      TemporaryDirectory.remove(trace)
      // With the times, by which stored files are told from others.
      try #require(try run(["cp", "-a", original, trace]).isSuccess)
      let calls = "mkdir,rename,unlink,rmdir,ftruncate,pwrite64,fdatasync,fsync,openat"
      let killed = try run(
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=\(calls)", "-e", "inject=\(calls):signal=KILL:when=\(number)"]
          + [RRSCommand.path, "recover", trace])
      isDone = killed.isSuccess
      guard access(trace + "/header", F_OK) == 0 else { continue }
      let result = try rrs("recover", trace, in: directory)
      #expect(result.status == .exited(0), "killed at call \(number): \(result)")
      let verified = try rrs("verify", "--records", trace, in: directory)
      #expect(verified.isSuccess && !verified.outputText.contains("cut short"), "call \(number): \(verified)")
      // What verifies replays alike: some of them show it.
      if number % 8 == 0 {
        try checkWhole(trace, directory, "killed at call \(number)")
        let replay = try rrs("replay", "-a", trace, in: directory)
        #expect(replay.status == .exited(0) && replay.output.starts(with: replayed.output), "call \(number): \(replay)")
      }
      let lost = (try? FileManager.default.contentsOfDirectory(atPath: trace + "/lost")) ?? []
      #expect(lost == ["1"], "killed at call \(number)")
    }
    #expect(isDone)
  }
}
