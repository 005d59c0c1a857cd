import DebugServer
import Debugging
import Foundation
import KernelABI
import TestSupport
import Testing

private let gdb: String? = ["/usr/bin/gdb", "/usr/local/bin/gdb"].first { (path: String) in access(path, X_OK) == 0 }

/// The real gdb, on a recording of nothing.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: gdb != nil, "gdb isn't installed"))
struct GDBTests {
  static let source = """
    .globl _start, middle, counter
    .type _start, @function
    _start: .fill 32, 1, 0x90
    .size _start, . - _start
    .type middle, @function
    middle: .fill 224, 1, 0x90
    .size middle, . - middle
    .data
    .type counter, @object
    .size counter, 8
    counter: .quad 0

    """

  /// A program whose addresses are those of the fake states.
  static func buildProgram(in directory: TemporaryDirectory) throws -> String {
    try source.write(toFile: directory.file("p.s"), atomically: true, encoding: .utf8)
    let program = directory.file("p")
    let result = try run([
      "gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x401000,-Tdata=0x404000,--build-id=none", "-o", program, directory.file("p.s"),
    ])
    guard result.isSuccess else { throw TestFailure("\(result)") }
    return program
  }

  static func arguments(port: UInt16, _ commands: [String], before: [String] = []) -> [String] {
    let all =
      ["set confirm off", "set debuginfod enabled off", "set width 0"] + before
      + ["target extended-remote 127.0.0.1:\(port)"] + commands
    return [gdb ?? "gdb", "-nx", "-batch"] + all.flatMap { ["-ex", $0] }
  }

  /// What gdb prints; the server must end with gdb.
  @discardableResult
  static func debug(
    _ target: FakeTarget, _ commands: [String], before: [String] = [], withProgram: Bool = true
  ) throws -> (text: String, lines: [String]) {
    let directory = try TemporaryDirectory("gdb")
    if withProgram { target.executable = try buildProgram(in: directory) }
    let served = try ServedTarget(target)
    let result = try run(arguments(port: served.port, commands, before: before), within: 60)
    _ = try served.finish()
    let text = result.outputText + result.errorText
    #expect(result.status == .exited(0), "\(result)")
    // What gdb says when a target's answers don't make sense to it.
    for complaint in ["ignoring packet", "Remote replied", "Protocol error", "Bad target", "warning: Architecture", "truncated"] {
      #expect(!text.contains(complaint), "\(text)")
    }
    return (text, text.split(separator: "\n").map(String.init))
  }

  @discardableResult
  static func debug(_ commands: [String]) throws -> (text: String, lines: [String]) { try debug(FakeTarget(), commands) }

  @Test func theExecutableIsFoundAndReadThroughTheServer() throws {
    let (text, _) = try Self.debug(["info symbol $pc", "p &counter", "x/2i $pc"])
    #expect(text.contains("_start in section .text"), "\(text)")
    #expect(text.contains("0x404000 <counter>"), "\(text)")
    #expect(text.contains("=> 0x401000 <_start>:\tnop"), "\(text)")
  }

  @Test func registersOfAllKinds() throws {
    let (text, lines) = try Self.debug([
      "info registers", "p $eflags", "p $xmm0.v16_int8", "p $ymm0.v32_int8", "p $zmm0.v64_int8", "p $k0", "p $pkru", "p $fs_base",
      "p $orig_rax", "p $mxcsr", "info float", "p $ftag", "p $xmm31.uint128", "p/x $zmm31.v8_int64",
    ])
    let numbers = (0..<64).map(String.init)
    for expected in [
      "{\(numbers[..<16].joined(separator: ", "))}", "{\(numbers[..<32].joined(separator: ", "))}",
      "{\(numbers.joined(separator: ", "))}", "= [ PF ZF IF ]", "= 140737351518016",
      "= -1", "= [ IM DM ZM OM UM PM ]", "Tag Word:            0xffff", "Control Word:        0x037f",
    ] { #expect(text.contains(expected), "\(expected) isn't in \(text)") }
    #expect(lines.contains { $0.hasPrefix("rip") && $0.contains("0x401000 <_start>") }, "\(text)")
    #expect(text.contains(" = 85\n"), "k0: \(text)")
    #expect(text.contains(" = 84\n"), "pkru: \(text)")
    #expect(text.contains("= {0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0}"), "\(text)")
  }

  @Test func withoutAVXThereAreNoSuchRegisters() throws {
    let target = FakeTarget()
    target.features = .init(xcr0: 3, offsets: [:])
    let (text, _) = try Self.debug(target, ["p $ymm0", "p $xmm0.v16_int8[3]", "info all-registers"])
    #expect(text.contains("= void"), "\(text)")
    #expect(text.contains("$2 = 3"), "\(text)")
  }

  @Test func threadsHaveNames() throws {
    let (text, lines) = try Self.debug(["info threads", "thread 2", "p $rbx", "thread 1", "p $rbx", "info inferiors"])
    #expect(lines.contains { $0.hasPrefix("* 1") && $0.contains("Thread 31.31") && $0.contains("boss") }, "\(text)")
    #expect(lines.contains { $0.hasPrefix("  2") && $0.contains("Thread 31.32") && $0.contains("worker") }, "\(text)")
    #expect(text.contains("$1 = 2"), "\(text)")
    #expect(text.contains("$2 = 1"), "\(text)")
  }

  @Test func stepsBothWays() throws {
    let (text, _) = try Self.debug([
      "stepi", "p $rax", "stepi 4", "p $rax", "reverse-stepi 2", "p $rax", "reverse-continue", "p $rax", "continue", "p $rax",
      "continue", "reverse-stepi", "p $rax",
    ])
    for (index, value) in [1, 5, 3, 0, 200, 199].enumerated() {
      #expect(text.contains("$\(index + 1) = \(value)\n"), "\(text)")
    }
    #expect(text.contains("No more reverse-execution history."), "\(text)")
    #expect(text.contains("received signal SIGKILL"), "\(text)")
  }

  @Test func breakpointsAndWatchpoints() throws {
    let (text, _) = try Self.debug([
      "break middle", "continue", "p $rax", "hbreak *0x401030", "continue", "p $rax", "delete", "watch *(long*)&counter",
      "continue",
      "p $rax", "reverse-continue", "p $rax", "delete", "break *0x401064 if $rax > 90 && counter == 10", "continue",
      "p $rax", "delete", "tbreak *0x401070 if $rax == 3", "continue", "p $rax",
    ])
    #expect(text.contains("Breakpoint 1, 0x0000000000401020 in middle ()"), "\(text)")
    #expect(text.contains("Old value = 4"), "\(text)")
    #expect(text.contains("New value = 5"), "\(text)")
    for (index, value) in [0x20, 0x30, 50, 49, 100, 200].enumerated() {
      #expect(text.contains("$\(index + 1) = \(value)\n"), "\(text)")
    }
  }

  /// The conditions are agent expressions: gdb isn't asked at each hit.
  @Test func conditionsAreEvaluatedByTheServer() throws {
    let target = FakeTarget()
    target.last = 100_000
    target.isEndless = true
    let (text, _) = try Self.debug(target, [
      "break *0x401010 if $rax == 0x5010 && *(char*)(&counter) == 1", "continue", "p $rax", "info breakpoints",
    ])
    #expect(text.contains("$1 = 20496"), "\(text)")
    #expect(text.contains("breakpoint already hit 1 time"), "\(text)")
    #expect(target.interruptQuestions >= 0x5010)
  }

  @Test func memoryAndObjects() throws {
    let (text, _) = try Self.debug([
      "x/4xb 0x404010", "x/4xb 0x10", "find /b 0x404000, +0x800, 0x41, 0x42, 0x43", "info auxv", "p $_siginfo.si_signo",
      "set var *(char*)0x404010 = 1", "p $rax = 7", "p (int)5",
    ])
    #expect(text.contains("0x404010:\t0x10\t0x11\t0x12\t0x13"), "\(text)")
    #expect(text.contains("Cannot access memory at address 0x10"), "\(text)")
    #expect(text.contains("0x404041"), "\(text)")
    #expect(text.contains("AT_ENTRY"), "\(text)")
    #expect(text.contains("$1 = 11"), "\(text)")
    #expect(text.contains("Could not write register"), "\(text)")
  }

  @Test func runGoesToAPlace() throws {
    let (text, _) = try Self.debug([
      "break *0x401040", "run 50", "p $rax", "continue", "p $rax", "run c2", "p $rax", "run t33", "p $rax", "delete", "set args",
      "run", "p $rax", "info threads", "monitor when", "monitor seek-ticks 3",
    ])
    for (index, value) in [50, 64, 20, 33, 0].enumerated() { #expect(text.contains("$\(index + 1) = \(value)\n"), "\(text)") }
    #expect(text.contains("Thread 1 stopped."), "\(text)")
    #expect(text.contains("Completed event: 0"), "\(text)")
    #expect(text.contains("To go there: run t3"), "\(text)")
    #expect(text.contains("boss"), "\(text)")
  }

  @Test func signalsAndPassedSignals() throws {
    let target = FakeTarget()
    target.events = [20: .signal(11), 30: .signal(14), 40: .signal(10)]
    let (text, _) = try Self.debug(target, ["continue", "p $rax", "handle SIGALRM nostop noprint pass", "continue", "p $rax"])
    #expect(text.contains("received signal SIGSEGV"), "\(text)")
    #expect(text.contains("received signal SIGUSR1"), "\(text)")
    #expect(text.contains("$2 = 40"), "\(text)")
  }

  @Test func newImagesAndForks() throws {
    let target = FakeTarget()
    let directory = try TemporaryDirectory("gdb-exec")
    target.events = [40: .exec(path: try Self.buildProgram(in: directory)), 151: .fork(child: FakeTarget.child)]
    let (text, _) = try Self.debug(target, [
      "catch exec", "continue", "p $rax", "catch fork", "continue", "p $rax", "info inferiors", "continue", "p $rax",
    ])
    #expect(text.contains("is executing new program"), "\(text)")
    #expect(text.contains("$1 = 40"), "\(text)")
    #expect(text.contains("forked process 48"), "\(text)")
    #expect(text.contains("$2 = 151"), "\(text)")
    #expect(text.contains("Detaching after fork from child process 48"), "\(text)")
    #expect(text.contains("$3 = 200"), "\(text)")
  }

  @Test func interruptFromTheKeyboard() throws {
    let target = FakeTarget()
    target.isEndless = true
    let served = try ServedTarget(target)
    let command = try RunningCommand(
      Self.arguments(port: served.port, ["echo running\\n", "continue", "p $rax > 0", "reverse-stepi", "p 1234"]))
    let deadline = Date().addingTimeInterval(20)
    while !target.isBusy.isSet && Date() < deadline { usleep(20_000) }
    // A second debugger has no luck.
    let second = try Client(port: served.port)
    #expect(try second.next() == nil)
    command.send(SIGINT)
    let result = try command.finish(within: 30)
    #expect(result.outputText.contains("received signal SIGINT"), "\(result)")
    #expect(result.outputText.contains("$1 = 1"), "\(result)")
    #expect(result.outputText.contains("$2 = 1234"), "\(result)")
    _ = try served.finish()
  }

  @Test func aDyingGDBEndsTheServer() throws {
    let target = FakeTarget()
    target.isEndless = true
    let served = try ServedTarget(target)
    let command = try RunningCommand(Self.arguments(port: served.port, ["continue"]))
    let deadline = Date().addingTimeInterval(20)
    while !target.isBusy.isSet && Date() < deadline { usleep(20_000) }
    command.send(SIGKILL)
    _ = try command.finish(within: 10)
    #expect(try served.finish() == .disconnected)
  }
}
