import Foundation
import TestSupport
import Testing

/// `rrs replay -s`, which waits for debuggers.
final class DebugService {
  let recording: DebuggedRecording
  let command: RunningCommand
  let port: UInt16
  /// What rrs says is to be typed.
  let commandLine: String

  init(_ recording: DebuggedRecording, _ arguments: [String] = []) throws {
    self.recording = recording
    command = try recording.start(["-s", "0"] + arguments + [recording.trace])
    try command.wait(for: "Launch debugger with\n")
    try command.wait(for: "extended-remote")
    let lines = command.outputSoFar.split(separator: "\n").map(String.init)
    commandLine = lines.last?.trimmingCharacters(in: .whitespaces) ?? ""
    guard let match = commandLine.firstMatch(of: /extended-remote [0-9.]+:([0-9]+)/), let port = UInt16(match.1) else {
      throw TestFailure("no port in \(commandLine)")
    }
    self.port = port
  }

  /// gdb without rrs's own commands.
  func start(_ commands: [String]) throws -> RunningCommand {
    let all = ["set confirm off", "set debuginfod enabled off", "target extended-remote 127.0.0.1:\(port)"] + commands
    return try RunningCommand(
      DebuggedRecording.merged([DebuggedRecording.gdb ?? "gdb", "-nx", "-batch"] + all.flatMap { ["-ex", $0] }),
      environment: DebuggedRecording.environment)
  }

  func debug(_ commands: [String]) throws -> CommandResult {
    try start(commands).finish(within: 60 * TestEnvironment.patience)
  }

  /// The debugger has gone, and so does rrs, with all it has started.
  func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let result = try command.finish(within: 30)
    #expect(result.isSuccess && result.leftOver.isEmpty, "\(result)", sourceLocation: sourceLocation)
  }
}

extension RunningCommand {
  /// Waits until it has written this.
  func wait(for text: String, within seconds: Double = 60) throws {
    let deadline = Date().addingTimeInterval(seconds * TestEnvironment.patience)
    while !outputSoFar.contains(text) {
      guard Date() < deadline else { throw TestFailure("no '\(text)' from \(commandLine): \(outputSoFar)") }
      usleep(20_000)
    }
  }
}
