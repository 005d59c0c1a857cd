import DebugServer
import Foundation
import TestSupport
import Testing

/// RRS_TEST_LLDB, else what is installed.
private let lldb: String? =
  ([ProcessInfo.processInfo.environment["RRS_TEST_LLDB"]].compactMap { $0 } + ["/usr/bin/lldb", "/usr/bin/lldb-14"])
  .first { (path: String) in access(path, X_OK) == 0 }

/// The real LLDB, on a recording of nothing.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: lldb != nil, "lldb isn't installed"))
struct LLDBTests {
  /// What LLDB prints.
  static func debug(_ target: FakeTarget, _ commands: [String]) throws -> String {
    let directory = try TemporaryDirectory("lldb")
    try LLDBScript.text.write(toFile: directory.file("lldbinit"), atomically: true, encoding: .utf8)
    let program = try GDBTests.buildProgram(in: directory)
    let served = try ServedTarget(target)
    let all =
      ["command source -s 1 \(directory.file("lldbinit"))", "gdb-remote 127.0.0.1:\(served.port)"] + commands + ["detach"]
    let result = try run([lldb ?? "lldb", "--batch", "--no-lldbinit", program] + all.flatMap { ["-o", $0] }, within: 60)
    _ = try served.finish()
    return result.outputText + result.errorText
  }

  @Test func lookingAndStepping() throws {
    let text = try Self.debug(FakeTarget(), [
      "register read rip rax", "thread step-inst", "register read rax", "memory read -c 4 -f x -s 1 0x404010", "thread list",
      "breakpoint set -a 0x401010", "process continue", "register read rax", "memory region 0x401000",
    ])
    for expected in [
      "rip = 0x0000000000401000", "rax = 0x0000000000000001", "0x10 0x11 0x12 0x13", "rax = 0x0000000000000010",
      "[0x0000000000401000-0x0000000000402000) r-x",
    ] { #expect(text.contains(expected), "\(expected): \(text)") }
  }

  @Test func commandsAskAndMove() throws {
    let target = FakeTarget()
    let text = try Self.debug(target, [
      "when", "checkpoint", "restart 2", "register read rax", "seek-ticks 7", "register read rax", "when", "back",
      "register read rax", "restart", "help when",
    ])
    for expected in [
      "Completed event: 0", "rax = 0x0000000000000014", "rax = 0x0000000000000007", "Completed event: 7",
      "rax = 0x0000000000000003", "No checkpoint.", "checkpoint [\"_start at 0x401000\"] of 31",
    ] { #expect(text.contains(expected), "\(expected): \(text)") }
  }
}
