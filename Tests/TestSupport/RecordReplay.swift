import Foundation
import Glibc

/// Records a command, then replays the recording and compares.
///
/// The command runs in a fresh directory, which is deleted before the first replay; replays run in another, empty
/// one, which must stay empty. So every use of this shows, too, that a replay needs nothing but its trace and that it
/// touches nothing.
package struct RecordReplay {
  /// The program and its arguments.
  package var command: [String]
  /// Options of `rrs record`. A checksum of all writable memory at every event is far too slow for programs with large
  /// memory, so that it is asked for by each test.
  package var recordOptions: [String] = []
  package var replayOptions: [String] = []
  package var checksumInterval: Int?
  package var environment: [String: String] = ["PATH": TestEnvironment.searchPath]
  package var input = "/dev/null"
  package var seconds: Double = 30
  package var replays = TestEnvironment.replays
  /// Puts what the command needs into its directory.
  package var prepare: (String) throws -> Void = { _ in }

  package init(_ command: [String]) { self.command = command }

  /// What a recording and its replays gave.
  package struct Outcome {
    package var directory: TemporaryDirectory
    package var trace: String
    package var recording: CommandResult
    package var replays: [CommandResult]
    /// One for each difference; empty where all is well.
    package var problems: [String]

    /// Leaves the trace in place where there was a problem, and says where it is.
    package func report() -> String {
      guard !problems.isEmpty else { return "" }
      directory.keep()
      return problems.joined(separator: "\n\n") + "\nThe trace is kept: \(trace)"
    }
  }

  var globalOptions: [String] { checksumInterval.map { ["--checksum=\($0)"] } ?? [] }

  /// Records only.
  package func record(in directory: TemporaryDirectory) throws -> CommandResult {
    let work = try directory.makeDirectory("work")
    try prepare(work)
    var arguments: [String] = globalOptions + ["record"]
    arguments += recordOptions + ["-o", directory.file("trace"), "--"] + command
    return try RRSCommand.run(
      arguments, directory: work, environment: environment, input: input, within: seconds * TestEnvironment.patience)
  }

  package func replay(_ trace: String, in directory: TemporaryDirectory) throws -> CommandResult {
    let elsewhere = try directory.makeDirectory("elsewhere")
    return try RRSCommand.run(
      ["replay", "-a"] + replayOptions + [trace], directory: elsewhere, environment: environment,
      within: seconds * TestEnvironment.patience)
  }

  /// Records and replays. `expected` is how the recorded command must end; nil where it doesn't matter.
  package func run(
    expected: CommandStatus? = .exited(0), check: (CommandResult) -> String? = { _ in nil }
  ) throws -> Outcome {
    let directory = try TemporaryDirectory("record-replay")
    let trace = directory.file("trace")
    let recording = try record(in: directory)
    var outcome = Outcome(directory: directory, trace: trace, recording: recording, replays: [], problems: [])
    if recording.isOutOfTime {
      outcome.problems.append("recording took too long\n\(recording)")
      return outcome
    }
    if let expected, recording.status != expected {
      outcome.problems.append("recording: expected \(expected)\n\(recording)")
    }
    if !recording.leftOver.isEmpty { outcome.problems.append("recording left processes\n\(recording)") }
    if let problem = check(recording) { outcome.problems.append("recording: \(problem)\n\(recording)") }
    TemporaryDirectory.remove(directory.file("work"))
    for number in 1...max(replays, 1) {
      let replay = try replay(trace, in: directory)
      outcome.replays.append(replay)
      let differences = Self.compare(recording, replay)
      if !differences.isEmpty {
        outcome.problems.append("replay \(number): \(differences.joined(separator: "; "))\n\(replay)")
        break
      }
      let made = TemporaryDirectory.contents(directory.file("elsewhere"))
      if !made.isEmpty { outcome.problems.append("replay \(number) made files: \(made.joined(separator: " "))") }
    }
    return outcome
  }

  /// What differs between what a recording printed and what its replay did.
  package static func compare(_ recording: CommandResult, _ replay: CommandResult) -> [String] {
    var differences: [String] = []
    if replay.isOutOfTime { differences.append("took too long") }
    if replay.status != recording.status { differences.append("ended with \(replay.status)") }
    if !replay.leftOver.isEmpty { differences.append("left processes") }
    if let difference = firstDifference(recording.output, replay.output) { differences.append("stdout: " + difference) }
    let recorded = withoutMessages(recording.errors)
    let replayed = withoutMessages(replay.errors)
    if let difference = firstDifference(recorded, replayed) { differences.append("stderr: " + difference) }
    return differences
  }

  /// stderr without rrs's own lines, which start with "rrs: ".
  package static func withoutMessages(_ errors: [UInt8]) -> [UInt8] {
    let lines = errors.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return Array(lines.filter { !$0.starts(with: Array("rrs: ".utf8)) }.joined(separator: [UInt8(ascii: "\n")]))
  }

  /// Where two outputs part, with what stands there.
  static func firstDifference(_ left: [UInt8], _ right: [UInt8]) -> String? {
    if left == right { return nil }
    let common = zip(left, right).prefix { $0 == $1 }.count
    func excerpt(_ bytes: [UInt8]) -> String {
      let from = max(0, common - 40)
      return String(decoding: bytes[min(from, bytes.count)..<min(bytes.count, common + 60)], as: UTF8.self)
    }
    return "differs at byte \(common) (\(left.count) and \(right.count) bytes): recorded …\(excerpt(left))…, "
      + "replayed …\(excerpt(right))…"
  }
}
