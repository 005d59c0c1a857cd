import Foundation
import Glibc

/// How a process ended.
package enum CommandStatus: Equatable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case killed(Int32)

  init(waitStatus status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal)
  }

  package var description: String {
    switch self {
    case .exited(let code): "exit status \(code)"
    case .killed(let signal): "killed by signal \(signal)"
    }
  }
}

/// What a finished command left.
package struct CommandResult: Sendable, CustomStringConvertible {
  package var commandLine: String
  package var status: CommandStatus
  package var output: [UInt8]
  package var errors: [UInt8]
  package var isOutOfTime: Bool
  /// The most memory, in KiB, that the command itself was seen to have at a time.
  package var peakKibibytes: Int
  /// Processes that outlived the command; they have been killed.
  package var leftOver: [String]

  package var outputText: String { String(decoding: output, as: UTF8.self) }
  package var errorText: String { String(decoding: errors, as: UTF8.self) }
  package var isSuccess: Bool { status == .exited(0) && !isOutOfTime }

  /// For messages: what was run, how it ended, and the last lines it wrote.
  package var description: String {
    var lines = ["\(commandLine): \(status)" + (isOutOfTime ? ", killed after its time limit" : "")]
    if !leftOver.isEmpty { lines.append("left over: \(leftOver.joined(separator: ", "))") }
    lines.append("stdout ends: \(outputText.suffix(1500))")
    lines.append("stderr ends: \(errorText.suffix(3000))")
    return lines.joined(separator: "\n")
  }
}

/// A command in a session of its own, with its output in files, so that nothing it leaves behind can hold up the
/// reader.
package final class RunningCommand {
  package let pid: Int32
  package let commandLine: String
  private let mark: String
  private let directory: TemporaryDirectory
  private var status: CommandStatus?
  private var peakKibibytes = 0

  /// Starts `arguments[0]`, found like execvp(3) does.
  package init(
    _ arguments: [String], directory workingDirectory: String? = nil, environment: [String: String] = [:],
    input: String = "/dev/null"
  ) throws {
    directory = try TemporaryDirectory("command")
    commandLine = arguments.joined(separator: " ")
    mark = "RRS_TEST_COMMAND=\(UUID().uuidString)"
    var variables = ProcessInfo.processInfo.environment
    // What Swift Testing and SwiftPM set is no business of the programs that are run.
    for name in variables.keys where name.hasPrefix("SWIFT") || name.hasPrefix("XCT") { variables[name] = nil }
    variables["LC_ALL"] = "C.UTF-8"
    variables["_RRS_TRACE_DIR"] = nil
    variables.merge(environment) { _, new in new }
    let settings = variables.map { "\($0.key)=\($0.value)" }.sorted() + [mark]

    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    let writing = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, directory.file("stdout"), writing, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, directory.file("stderr"), writing, 0o600)
    var none = sigset_t()
    var defaults = sigset_t()
    sigemptyset(&none)
    sigfillset(&defaults)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    // POSIX_SPAWN_SETSID is 0x80 in glibc's <spawn.h>, where Swift doesn't import it.
    posix_spawnattr_setflags(&attributes, Int16(0x80 | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var child: Int32 = 0
    // posix_spawn(3) has a change of directory only as a GNU extension that Swift doesn't import; env(1) executes the
    // command in its own place.
    let changed = workingDirectory.map { ["/usr/bin/env", "-C", $0] + arguments } ?? arguments
    let result = withCStrings(changed) { argv in
      withCStrings(settings) { envp in posix_spawnp(&child, argv[0]!, &actions, &attributes, argv, envp) }
    }
    guard result == 0 else { throw TestFailure("can't start \(commandLine): \(String(cString: strerror(result)))") }
    pid = child
  }

  deinit {
    if status == nil {
      ProcessTable.kill(familyOf: pid, mark: mark)
      _ = poll(untilSeconds: 5)
    }
  }

  /// What it has written to stdout until now.
  package var outputSoFar: String { ProcessTable.read(directory.file("stdout")) ?? "" }
  package var errorsSoFar: String { ProcessTable.read(directory.file("stderr")) ?? "" }

  package var isRunning: Bool { !poll(untilSeconds: 0) }

  /// Its processes, rrs's tracees among them.
  package var family: [ProcessTable.Entry] { ProcessTable.family(of: pid, mark: mark) }

  package func send(_ signal: Int32) { kill(pid, signal) }

  /// The high-water mark of the command's memory since its execve, in KiB; 0 once it has ended. The kernel's own account
  /// (getrusage(2)) counts the memory of this process too, in which the command was born.
  private func residentPeak() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return 0 }
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
  }

  /// True once the command has ended; waits for that at most so long.
  private func poll(untilSeconds seconds: Double) -> Bool {
    if status != nil { return true }
    let deadline = Date().addingTimeInterval(seconds)
    var pause: UInt32 = 500
    while true {
      var raw: Int32 = 0
      peakKibibytes = max(peakKibibytes, residentPeak())
      // Only ever for this one child: other tests of this process have children too.
      if wait4(pid, &raw, WNOHANG, nil) == pid {
        status = CommandStatus(waitStatus: raw)
        return true
      }
      if Date() >= deadline { return false }
      usleep(pause)
      pause = min(pause * 2, 10_000)
    }
  }

  /// Waits for the end, kills what takes longer than `seconds`, and what the command left running, unless that is its
  /// purpose.
  package func finish(within seconds: Double, leavesChildren: Bool = false) throws -> CommandResult {
    var isOutOfTime = false
    if !poll(untilSeconds: seconds) {
      isOutOfTime = true
      ProcessTable.kill(familyOf: pid, mark: mark)
      guard poll(untilSeconds: 10) else { throw TestFailure("\(commandLine) can't be killed (pid \(pid))") }
    }
    // Tracees that die with their tracer take a moment to be gone.
    var left = leavesChildren ? [] : family
    for _ in 0..<40 where !left.isEmpty {
      usleep(5_000)
      left = family
    }
    if !left.isEmpty { ProcessTable.kill(familyOf: pid, mark: mark) }
    return CommandResult(
      commandLine: commandLine, status: status ?? .exited(-1), output: try bytes("stdout"), errors: try bytes("stderr"),
      isOutOfTime: isOutOfTime, peakKibibytes: peakKibibytes, leftOver: left.map { "\($0.pid) \($0.name)" })
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.file(name))))
  }
}

/// A NULL-terminated vector of C strings for the duration of `body`.
private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return body(pointers)
}

/// Runs a command to its end.
package func run(
  _ arguments: [String], directory: String? = nil, environment: [String: String] = [:], input: String = "/dev/null",
  within seconds: Double = 60, leavesChildren: Bool = false
) throws -> CommandResult {
  try RunningCommand(arguments, directory: directory, environment: environment, input: input)
    .finish(within: seconds, leavesChildren: leavesChildren)
}
