import Foundation
import TestSupport
import Testing

/// What goes wrong is said, and nothing is left behind.
@Suite(
  "Debugger: errors", .serialized, .timeLimit(.minutes(10)),
  .enabled(if: canDebug, "rrs isn't built, or gdb isn't installed"))
struct ErrorTests {
  /// gdb and rrs live on after each of them.
  @Test func inASession() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    try recording.debug("""
      > break nothing
      Function "nothing" not defined.
      > break *0x10
      > continue
      Cannot insert breakpoint
      > delete
      > x/x 0x10
      Cannot access memory at address 0x10
      > watch *(long *)0x10
      > delete
      > restart 77
      77
      > delete checkpoint 77
      77
      > run 99999999
      the recording ends before event 99999999
      > break fib
      > continue
      fib (n=9)
      > seek-ticks 99999999999
      doesn't come to tick
      > thread 7
      > print n
      = 9
      > reverse-continue
      No more reverse-execution history.
      > continue
      fib (n=9)
      """)
  }

  struct Refusal: Sendable, CustomStringConvertible {
    var arguments: [String]
    var status: Int32
    var text: String
    var description: String { arguments.joined(separator: " ") }
  }

  static let refusals: [Refusal] = [
    .init(arguments: ["-g", "99999999"], status: 2, text: "the recording ends before event 99999999"),
    .init(arguments: ["-p", "1"], status: 2, text: "no process '1' executes a program in this recording"),
    .init(arguments: ["-p", "nosuchprogram"], status: 2, text: "'rrs ps' lists them"),
    .init(arguments: ["-f", "1"], status: 2, text: "no process 1 was forked in this recording"),
    .init(arguments: ["-p", "1", "-f", "1"], status: 64, text: "give one"),
    .init(arguments: ["-k"], status: 4, text: "needs -s PORT"),
    .init(arguments: ["-d", "/nonexistent"], status: 69, text: "cannot start the debugger '/nonexistent'"),
    .init(arguments: ["-s", "1", "-h", "999.1.1.1"], status: 69, text: "cannot wait for a debugger at 999.1.1.1"),
  ]

  @Test func refused() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    for refusal in Self.refusals {
      let result = try recording.start(refusal.arguments + [recording.trace]).finish(within: 30)
      #expect(result.status == .exited(refusal.status), "\(result)")
      #expect(result.outputText.contains(refusal.text), "\(result)")
      #expect(result.outputText.split(separator: "\n").count == 1, "one line: \(result)")
      #expect(result.leftOver.isEmpty, "\(result)")
    }
  }

  @Test func aPortInUse() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let server = try DebugService(recording)
    let second = try recording.start(["-s", "\(server.port)", recording.trace]).finish(within: 30)
    #expect(second.status == .exited(69), "\(second)")
    #expect(second.outputText.contains("port \(server.port)"), "\(second)")
    let result = try server.debug(["break fib", "continue", "print n"])
    #expect(result.outputText.contains("$1 = 9"), "\(result)")
    try server.expectEnd()
  }

  /// One debugger at a time; the first one isn't disturbed.
  @Test func aSecondDebugger() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let server = try DebugService(recording)
    let first = try server.start(["break fib", "continue", "print n", "shell sleep 2", "delete", "finish", "print calls"])
    try first.wait(for: "$1 = 9")
    let second = try server.debug(["print n"])
    #expect(!second.outputText.contains("$1 = 9"), "\(second)")
    let result = try first.finish(within: 60)
    #expect(result.outputText.contains("Value returned is $2 = 34\n$3 = 109\n"), "\(result)")
    try server.expectEnd()
  }

  /// Whoever dies, nothing stays: neither tracees nor rrs.
  @Test(arguments: ["rrs", "gdb"]) func killed(_ victim: String) throws {
    let recording = try DebuggedRecording(TestProgram("debugger/computing"), ["100"])
    // A watchpoint that gdb looks at itself, after each single step.
    let input = try recording.directory.write(
      Dialogue.preparation + """
        break early
        continue
        delete
        set can-use-hw-watchpoints 0
        watch -l *(long *) ($sp + 64)
        continue

        """, to: "input")
    let command = try recording.start([recording.trace], input: input)
    try command.wait(for: "Watchpoint 2: -location")
    let family = command.family
    let debugger = try #require(family.first { $0.name == "gdb" }, "\(family)")
    let server = try #require(family.first { $0.name == "rrs" }, "\(family)")
    let tracees = family.filter { $0.state == "t" }
    #expect(!tracees.isEmpty, "\(family)")
    #expect(kill(victim == "gdb" ? debugger.pid : server.pid, SIGKILL) == 0)
    let result = try command.finish(within: 30)
    #expect(result.leftOver.isEmpty && !result.isOutOfTime, "\(result)")
    // They are in sessions of their own, and have the recording's environment.
    let deadline = Date().addingTimeInterval(5)
    func left() -> [ProcessTable.Entry] {
      tracees.filter { tracee in ProcessTable.entry(tracee.pid).map { $0.name == tracee.name && !$0.isZombie } ?? false }
    }
    while !left().isEmpty, Date() < deadline { usleep(10_000) }
    #expect(left().isEmpty, "\(left())")
  }
}
