import CLinuxShim
import EngineTestSupport
import Execution
import Glibc
import KernelABI
import TestSupport
import TraceeControl
import Translation

/// An engine to be tested.
struct EngineCase: CustomStringConvertible, Sendable {
  var description: String
  /// The unit of its ticks; nil if it counts none.
  var unit: TickUnit?
  /// A time slice ends at its very tick.
  var hasExactSlices = false
  var make: @Sendable () -> any Engine

  static let native = EngineCase(description: "native") { NativeEngine() }
  static let software = EngineCase(
    description: "software", unit: .nonForwardTransfers, hasExactSlices: true, make: { software(.nonForwardTransfers) })
  static let softwareBranches = EngineCase(
    description: "software, conditional branches", unit: .retiredConditionalBranches,
    make: { software(.retiredConditionalBranches) })
  static let simulated = EngineCase(
    description: "hardware, simulated", unit: .retiredConditionalBranches,
    make: { HardwareEngine(source: SimulatedCounters()) })

  static let counting = [software, softwareBranches, simulated]
  static let all = counting + [native]

  private static func software(_ definition: TranslationOptions.TickDefinition) -> any Engine {
    var options = TranslationOptions()
    options.tickDefinition = definition
    let x87SSEAndAVX: UInt64 = 7
    return SoftwareEngine(options: options, processor: ProcessorIdentity(xcr0: x87SSEAndAVX) { leaf, subleaf in
      var words: [UInt32] = [0, 0, 0, 0]
      rrs_cpuid(leaf, subleaf, &words)
      return (words[0], words[1], words[2], words[3])
    })
  }
}

/// A static program in assembly, which starts at `start` and has no library.
struct AssemblyProgram {
  let path: String
  /// The address of `_start`.
  static let start: UInt64 = 0x40_0000
  private let directory: TemporaryDirectory

  init(_ assembly: String) throws {
    directory = try TemporaryDirectory("engine")
    let source = try directory.write(".globl _start\n.text\n_start:\n\(assembly)\n", to: "program.s")
    path = directory.file("program")
    let address = String(Self.start, radix: 16)
    let result = try run([
      "gcc", "-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x\(address)", "-Wl,--build-id=none", "-o", path, source,
    ])
    guard result.isSuccess else { throw TestFailure("\(result)") }
  }

  /// Its first tracee, before the first instruction.
  func spawn() throws -> Tracee {
    let tid = try TraceeSpawner.spawn(path: path, arguments: ["program"], environment: [], options: .init())
    let tracee = Tracee(
      tid: tid, recordedTid: tid, addressSpace: AddressSpace(), threadGroup: ThreadGroup(id: tid, recordedID: tid))
    try tracee.mapGadget()
    // Threads of the test runner block signals, and children inherit that.
    try Ptrace.setSignalMask(tid, 0)
    return tracee
  }
}

extension Tracee {
  /// Kills it and waits for its end.
  func end() {
    kill(tid.rawValue, SIGKILL)
    while isAlive, let status = try? wait() {
      if status.rawExit != nil { return }
      try? resume()
    }
  }
}

/// Drives one tracee with an engine alone, as sessions do. All requests come from the thread that makes the value.
final class EngineDriver {
  let engine: any Engine
  let tracee: Tracee

  init(_ program: AssemblyProgram, _ engine: any Engine) throws {
    self.engine = engine
    tracee = try program.spawn()
    try engine.didStartImage(tracee)
  }

  deinit { tracee.end() }

  var ticks: UInt64 { engine.ticks(of: tracee) }

  /// Lets the tracee run until the engine has something to report.
  func run(_ request: RunRequest) throws -> Stop {
    while true {
      try engine.resume(tracee, request)
      let status = try tracee.wait()
      if let stop = try engine.interpret(tracee, status) { return stop }
    }
  }

  /// The same, through system calls, until something else happens or the program wants to exit.
  func runThroughCalls(until limit: RunLimit? = nil) throws -> Stop {
    while true {
      let stop = try run(.application(signal: nil, until: limit))
      guard stop == .syscallEntry, try tracee.registers().syscallNumber != SyscallNumber.exit_group else { return stop }
      try makeCall()
    }
  }

  /// Makes the system call that the tracee stands before.
  func makeCall() throws {
    let stop = try run(.systemCall)
    guard stop == .syscallExit else { throw TestFailure("a call ended with \(stop)") }
  }

  func goTo(_ point: ExecutionPoint, exactSlices: Bool) throws {
    let limit = exactSlices ? RunLimit.slice(point.ticks) : .point(point)
    let stop = try runThroughCalls(until: limit)
    guard stop == .tickLimit else { throw TestFailure("\(stop) before tick \(point.ticks)") }
  }
}
