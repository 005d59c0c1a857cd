import Foundation
import TestSupport
import Testing

/// A recording that gdb looks at.
struct DebuggedRecording {
  static let gdb = TestEnvironment.find("gdb")

  let directory: TemporaryDirectory
  let recording: CommandResult
  var trace: String { directory.file("trace") }

  /// Records a command, which must end with `status`. Its directory is gone afterwards.
  init(
    _ command: [String], options: [String] = [], expected status: CommandStatus = .exited(0),
    within seconds: Double = 60, prepare: (String) throws -> Void = { _ in }
  ) throws {
    directory = try TemporaryDirectory("debugger")
    let work = try directory.makeDirectory("work")
    try prepare(work)
    recording = try RRSCommand.run(
      ["record"] + options + ["-o", directory.file("trace"), "--"] + command, directory: work,
      environment: Self.environment, within: seconds * TestEnvironment.patience)
    guard recording.status == status else { throw TestFailure("recording: expected \(status)\n\(recording)") }
  }

  init(
    _ program: TestProgram, _ arguments: [String] = [], options: [String] = [],
    expected status: CommandStatus = .exited(0)
  ) throws {
    try self.init([try program.build()] + arguments, options: options, expected: status)
  }

  /// A home without a .gdbinit, and no shims of interpreters.
  static let environment = ["PATH": TestEnvironment.searchPath, "HOME": "/nonexistent", "XDG_CACHE_HOME": "/tmp"]

  /// gdb's output and its errors in the order they came.
  static func merged(_ command: [String]) -> [String] { ["/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"] + command }

  func start(_ arguments: [String], input: String = "/dev/null") throws -> RunningCommand {
    try RunningCommand(
      Self.merged([RRSCommand.path, "replay"] + arguments), directory: directory.path, environment: Self.environment,
      input: input)
  }

  /// Has a dialogue with gdb, which must go as it is written. Nothing may be left of it.
  @discardableResult
  func debug(
    _ text: String, replay options: [String] = [], within seconds: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Answers {
    let dialogue = Dialogue(text)
    let input = try directory.write(dialogue.script, to: "commands-\(UUID().uuidString)")
    let result = try start(options + [trace], input: input).finish(within: seconds * TestEnvironment.patience)
    var (problems, answers) = dialogue.compare(result.outputText)
    if result.isOutOfTime { problems.append("gdb took longer than \(seconds) s") }
    if result.status != .exited(0) { problems.append("gdb ended with \(result.status)") }
    if !result.leftOver.isEmpty { problems.append("left over: \(result.leftOver)") }
    for complaint in Self.complaints where result.outputText.contains(complaint) {
      problems.append("gdb complains: \(complaint)")
    }
    if !problems.isEmpty { directory.keep() }
    #expect(
      problems.isEmpty, "\(problems.joined(separator: "\n"))\nThe trace is kept: \(trace)\n\(result.outputText)",
      sourceLocation: sourceLocation)
    return answers
  }

  /// What gdb says when the answers of a target make no sense to it.
  private static let complaints = [
    "ignoring packet", "Remote replied", "Protocol error", "Bad target", "warning: Architecture", "Remote failure",
    "internal-error", "Remote connection closed", "the replay doesn't come by",
  ]

  /// The processes of the recording, as `rrs ps` lists them, by the ends of their commands.
  func processes() throws -> [(pid: Int32, parent: Int32?, command: String)] {
    let result = try RRSCommand.run(["ps", trace])
    guard result.isSuccess else { throw TestFailure("\(result)") }
    return result.outputText.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: "\t", maxSplits: 3)
      guard fields.count == 4, let pid = Int32(fields[0].prefix { $0.isNumber }) else { return nil }
      return (pid, Int32(fields[1]), String(fields[3]))
    }
  }
}

/// The condition of all suites here.
let canDebug = RRSCommand.isBuilt && DebuggedRecording.gdb != nil
