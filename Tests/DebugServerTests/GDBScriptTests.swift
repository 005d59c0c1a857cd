import DebugServer
import Foundation
import TestSupport
import Testing

extension GDBTests {
  /// gdb with rrs's commands.
  static func debugWithScript(_ target: FakeTarget, _ commands: [String]) throws -> String {
    let directory = try TemporaryDirectory("gdbinit")
    try GDBScript.text.write(toFile: directory.file("gdbinit"), atomically: true, encoding: .utf8)
    let text = try debug(target, commands, before: ["source \(directory.file("gdbinit"))"]).text
    for complaint in ["Traceback", "Undefined command", "Python Exception"] { #expect(!text.contains(complaint), "\(text)") }
    return text
  }

  @Test func commandsAreAsked() throws {
    let target = FakeTarget()
    let text = try Self.debugWithScript(target, [
      "when", "stepi", "when", "when-ticks", "when-tid", "when-end", "elapsed-time", "absolute-time", "info recording",
      "checkpoint", "info checkpoints", "delete checkpoint 1", "help when",
      "show prompt", "show unwindonsignal", "info signals SIGURG",
    ])
    #expect(text.contains("Completed event: 0"), "\(text)")
    #expect(text.contains("Completed event: 1"), "\(text)")
    #expect(text.contains("info-recording [] of 31"), "\(text)")
    #expect(text.contains("delete-checkpoint [\"1\"] of 31"), "\(text)")
    #expect(text.contains("checkpoint [\"_start at 0x401001\"] of 31"), "\(text)")
    #expect(text.contains("Print the number of the last event"), "\(text)")
    #expect(text.contains("(rrs) "), "\(text)")
    #expect(text.contains("Unwinding of stack if a signal is received while in a call dummy is on."), "\(text)")
    #expect(text.contains("SIGURG        Yes"), "\(text)")
    for name in ["when", "when-ticks", "when-tid", "when-end", "elapsed-time", "absolute-time", "info-recording"] {
      #expect(target.commands.contains([name]), "\(name)")
    }
    #expect(target.commands.contains(["history-push"]))
  }

  @Test func commandsMove() throws {
    let target = FakeTarget()
    let text = try Self.debugWithScript(target, [
      "break *0x401040", "continue", "restart 2", "p $rax", "continue", "p $rax", "seek-ticks 7", "p $rax", "restart",
      "back", "p $rax", "run 9", "p $rax", "run", "p $rax", "checkpoint",
    ])
    for (index, value) in [20, 64, 7, 3, 9, 0].enumerated() { #expect(text.contains("$\(index + 1) = \(value)\n"), "\(text)") }
    #expect(text.contains("No checkpoint."), "\(text)")
    // Every stop makes history, but that of `back`: after it come those of the two runs.
    let pushes = target.commands.split(separator: ["back"]).map { part in part.count { $0 == ["history-push"] } }
    #expect(pushes == [5, 2], "\(target.commands)")
  }

  @Test func jumpsAreRefused() throws {
    let directory = try TemporaryDirectory("gdbinit")
    try GDBScript.text.write(toFile: directory.file("gdbinit"), atomically: true, encoding: .utf8)
    let served = try ServedTarget()
    let result = try run(
      Self.arguments(port: served.port, ["jump *0x401010"], before: ["source \(directory.file("gdbinit"))"]), within: 60)
    _ = try served.finish()
    #expect(result.errorText.contains("A recorded program can't jump"), "\(result)")
  }
}
