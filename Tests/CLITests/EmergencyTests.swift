import Foundation
import TestSupport
import Testing

/// A replay that fails lets a debugger look at where it stands.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: TestEnvironment.has("gdb"), "gdb isn't installed"))
struct EmergencyTests {
  let directory: TemporaryDirectory
  let trace: String

  /// Registers that a system call's entry is compared with come from an operand: another one there is a divergence.
  static let program = """
    .globl _start
    _start:
      mov $39, %eax
      syscall
      mov $0x11223344, %ebx
      mov $39, %eax
      syscall
      mov $60, %eax
      xor %edi, %edi
      syscall
    .data
    .globl value
    value: .quad 0x1234567

    """

  init() throws {
    directory = try TemporaryDirectory("cli-emergency")
    trace = directory.file("trace")
    try directory.write(Self.program, to: "p.s")
    let compiled = try run([
      "gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x401000,-Tdata=0x404000,--build-id=none", "-o", directory.file("p"),
      directory.file("p.s"),
    ])
    try #require(compiled.isSuccess, "\(compiled)")
    let recording = try RRSCommand.run(["record", "-o", trace, directory.file("p")], directory: directory.path)
    try #require(recording.isSuccess, "\(recording)")
    try alterStoredProgram()
  }

  /// Writes another operand into the program that replays map.
  private func alterStoredProgram() throws {
    let name = try #require(TemporaryDirectory.contents(trace + "/files").first { $0.hasSuffix("-p") })
    let stored = URL(fileURLWithPath: trace + "/files/" + name)
    var bytes = try Data(contentsOf: stored)
    let operand = try #require(bytes.firstRange(of: Data([0x44, 0x33, 0x22, 0x11])))
    bytes[operand.lowerBound] = 0x45
    // Not into a file that this one may be a link to.
    try FileManager.default.removeItem(at: stored)
    try bytes.write(to: stored)
  }

  private func port(_ replay: RunningCommand) throws -> String {
    for _ in 0..<2000 where replay.isRunning {
      if let found = replay.errorsSoFar.firstMatch(of: /extended-remote 127\.0\.0\.1:([0-9]+)/) { return String(found.1) }
      usleep(10_000)
    }
    throw TestFailure("no debugger is waited for: \(try replay.finish(within: 5))")
  }

  private func debug(_ port: String, _ commands: [String]) throws -> String {
    let script = try directory.write(try RRSCommand.run(["gdbinit"]).outputText, to: "gdbinit")
    let all =
      ["set confirm off", "set debuginfod enabled off", "set width 0", "source \(script)"]
      + ["target extended-remote 127.0.0.1:\(port)"] + commands
    // In one stream, so that answers stand behind their questions.
    let gdb = ["sh", "-c", "exec \"$@\" 2>&1", "sh", "gdb", "-nx", "-batch"]
    return try run(gdb + all.flatMap { ["-ex", $0] } + [directory.file("p")], within: 60).outputText
  }

  private func check(_ result: CommandResult) {
    #expect(result.status == .exited(70) && result.leftOver.isEmpty, "\(result)")
    #expect(result.errorText.contains("replay diverged at event 3"), "\(result)")
    #expect(result.errorText.split(separator: "\n").filter { $0.contains("replay diverged") }.count == 1, "\(result)")
  }

  @Test func theProgramIsLookedAtWhereItStands() throws {
    let replay = try RRSCommand.start(["replay", "-a", "--emergency-port=0", trace])
    let text = try debug(
      try port(replay),
      ["p/x $rbx", "p/x (long)value", "x/1i $pc-2", "info threads", "when", "info proc mappings", "p/x $cs", "detach"])
    check(try replay.finish(within: 20))
    for expected in ["$1 = 0x11223345", "$2 = 0x1234567", "syscall", "Completed event: 2", directory.file("p"), "$3 = 0x33"] {
      #expect(text.contains(expected), "no '\(expected)' in \(text)")
    }
  }

  @Test func whatMovesOrChangesIsRefused() throws {
    let replay = try RRSCommand.start(["replay", "-a", "--emergency-port=0", trace])
    let port = try port(replay)
    let taken = try RRSCommand.run(["replay", "-a", "--emergency-port=\(port)", trace])
    check(taken)
    #expect(taken.errorText.contains("cannot wait for a debugger at 127.0.0.1, port \(port)"), "\(taken)")
    let moves = [
      "stepi", "continue", "run 1", "checkpoint", "seek-ticks 0", "set var $rbx = 1", "set var *(long *)&value = 2",
    ]
    let text = try debug(
      port, moves.flatMap { ["echo \\n>>>", $0] } + ["echo \\n>>>", "reverse-stepi", "p/x $rbx", "p/x (long)value"])
    let ended = try replay.finish(within: 20)
    check(ended)
    let answers = text.components(separatedBy: "\n>>>").dropFirst()
    try #require(answers.count == moves.count + 1, "\(text)")
    let refusal = "this replay has failed: it can be looked at where it is, and goes nowhere"
    for (move, answer) in zip(moves, answers) {
      // To gdb's `run` the server has no word of its own.
      let text = move.hasPrefix("run") ? ended.errorText : answer
      #expect(text.contains(refusal) || move.hasPrefix("set var *") && text.contains("Cannot access memory"), "\(move): \(text)")
    }
    #expect(answers.last?.contains("does not support this command") == true, "\(text)")
    #expect(text.contains("= 0x11223345\n") && text.contains("= 0x1234567\n"))
  }

  @Test func theWayToADebuggersBeginningFails() throws {
    let replay = try RRSCommand.start(["replay", "-s", "0", "-g", "4", "--emergency-port=0", trace])
    let text = try debug(try port(replay), ["p/x $rbx"])
    #expect(text.contains("$1 = 0x11223345"), "\(text)")
    check(try replay.finish(within: 20))
  }

  @Test func nobodyIsWaitedForWithoutATerminal() throws {
    let result = try RRSCommand.run(["replay", "-a", trace], within: 20)
    check(result)
    #expect(!result.errorText.contains("Launch debugger"), "\(result)")
  }

  @Test(.enabled(if: TestEnvironment.has("tmux"), "tmux isn't installed"))
  func somebodyIsWaitedForOnATerminal() throws {
    let command = "\(RRSCommand.path) replay -a \(trace)"
    let terminal = try TmuxSession(
      "sh -c '\(command) --non-interactive; echo FIRST-$?; trap : INT; \(command); echo SECOND-$?'", directory: directory.path)
    let first = try terminal.wait(for: "FIRST-70")
    let before = first.components(separatedBy: "FIRST-70")[0]
    #expect(before.contains("replay diverged") && !before.contains("Launch debugger"), "\(first)")
    try terminal.wait(for: "Launch debugger with")
    try terminal.press("C-c")
    try terminal.wait(for: "SECOND-130")
  }
}
