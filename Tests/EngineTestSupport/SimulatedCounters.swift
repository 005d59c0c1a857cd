package import Execution
import Glibc
import KernelABI
package import TraceeControl
import X86

/// A counter where there is none: it steps the tracee, decodes what is executed, and counts the conditional branches. Its
/// interrupts are as late as they may be, at random, and where asked for they are later than that, or lost.
package final class SimulatedCounters: TickSource {
  package struct Behaviour: Sendable {
    package var seed: UInt64 = 1
    package var skidMax: UInt64 = 20
    /// How many of a hundred interrupts never come.
    package var lossPercentage: UInt64 = 0
    /// How many of a hundred interrupts come after more than `skidMax` ticks.
    package var latePercentage: UInt64 = 0

    package init() {}
  }

  package let behaviour: Behaviour
  package var skidMax: UInt64 { behaviour.skidMax }
  fileprivate var random: UInt64
  fileprivate let decoder = InstructionDecoder()
  /// Interrupts that were shown, lost, and left pending for a later run.
  package fileprivate(set) var shownCount = 0
  package fileprivate(set) var lostCount = 0
  package fileprivate(set) var leftCount = 0

  package init(_ behaviour: Behaviour = Behaviour()) {
    self.behaviour = behaviour
    random = behaviour.seed
  }

  package func makeCounter(for tracee: Tracee) -> any TickCounter { SimulatedCounter(self) }

  /// SplitMix64.
  fileprivate func next(below bound: UInt64) -> UInt64 {
    random &+= 0x9e37_79b9_7f4a_7c15
    var value = random
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return bound == 0 ? 0 : (value ^ value >> 31) % bound
  }

  /// The ticks after which an interrupt comes; nil if it is lost. The bounds come up often.
  fileprivate func skid() -> UInt64? {
    if next(below: 100) < behaviour.lossPercentage { return nil }
    if next(below: 100) < behaviour.latePercentage { return skidMax + 1 + next(below: skidMax + 10) }
    switch next(below: 4) {
    case 0: return 0
    case 1: return skidMax
    default: return next(below: skidMax + 1)
    }
  }
}

private final class SimulatedCounter: TickCounter {
  private let source: SimulatedCounters
  private var count: UInt64 = 0
  /// The instruction of a single step is a branch: whether it was executed is seen at the stop.
  private var stepsOverBranch = false
  /// The tracee stands in a stop that is the interrupt.
  private var showsInterrupt = false
  /// An interrupt that came in the kernel, for the next run.
  private var isPending = false

  init(_ source: SimulatedCounters) { self.source = source }

  func run(_ tracee: Tracee, stepping: Bool, signal: Signal?, interruptAfter: UInt64?) throws {
    count = 0
    showsInterrupt = false
    stepsOverBranch = false
    if stepping {
      stepsOverBranch = try signal == nil && isBranch(tracee, tracee.registers().rip)
      return try tracee.step(signal: signal)
    }
    let skid = interruptAfter == nil ? nil : source.skid()
    if interruptAfter != nil, skid == nil { source.lostCount += 1 }
    // An interrupt doesn't wait for a branch.
    var delay = source.next(below: 6)
    var signal = signal
    while true {
      let start = try tracee.registers().rip
      let code = tracee.readBytes(RemotePointer(start), count: 2) ?? [0, 0]
      let isBranch = isBranch(tracee, start)
      try tracee.step(signal: signal)
      signal = nil
      guard let stepCode = try Self.stepCode(tracee.tid) else {
        if let interruptAfter, skid != nil, count >= interruptAfter {
          isPending = true
          source.leftCount += 1
        }
        return
      }
      if isBranch, stepCode == SignalCode.trace { count += 1 }
      if let interruptAfter, skid == nil, count == interruptAfter + Self.overdueTicks {
        _ = try tracee.wait()
        try tracee.flushRegisters()
        try Ptrace.interrupt(tracee.tid)
        return try tracee.resume()
      }
      hideTrapFlag(tracee, code)
      let isDue = interruptAfter.flatMap { after in skid.map { count >= after + $0 } } ?? false
      if try isDue && delay > 0 && !self.isBranch(tracee, Ptrace.registers(tracee.tid).rip) {
        delay -= 1
      } else if isDue || isPending {
        isPending = false
        showsInterrupt = true
        source.shownCount += 1
        return
      }
      _ = try tracee.wait()
    }
  }

  /// A run with an interrupt that is lost ends as `HardwareEngine.checkRunning` would end it.
  private static let overdueTicks: UInt64 = 2000

  func isOverdue(_ tracee: Tracee) -> Bool { false }

  func stop(_ tracee: Tracee) throws -> UInt64 {
    if stepsOverBranch, let info = try? Ptrace.signalInfo(tracee.tid), info.signal == .trap,
      info.code == SignalCode.trace
    {
      count += 1
    }
    return count
  }

  func isInterrupt(_ info: SignalInfo) -> Bool { showsInterrupt && info.signal == .trap }
  func hasPendingInterrupt(_ tracee: Tracee) -> Bool { isPending }
  var maskButInterrupt: UInt64 { ~0x4d8 }

  private func isBranch(_ tracee: Tracee, _ address: UInt64) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = bytes.withUnsafeMutableBytes {
      tracee.read(RemotePointer(address), into: UnsafeMutableRawBufferPointer(rebasing: $0[..<15]))
    }
    guard count > 0, let instruction = source.decoder.decode(bytes, count: count) else { return false }
    return instruction.kind == .conditionalJump || instruction.kind == .counterJump
  }

  /// What pushf stores holds the flag that stepping needs.
  private func hideTrapFlag(_ tracee: Tracee, _ code: [UInt8]) {
    guard code[0] == 0x9C, let registers = try? Ptrace.registers(tracee.tid),
      let flags = tracee.read(registers.stackPointer, as: UInt64.self)
    else { return }
    tracee.write(registers.stackPointer, value: flags & ~0x100)
  }

  /// Waits for the step's end, and leaves the stop to whoever waits next: TRAP_TRACE, or TRAP_BRKPT (1) where the step
  /// ended behind a system call (user_single_step_report), perhaps one that the tracee stood in, so that nothing was
  /// executed. Nil: another stop.
  private static func stepCode(_ tid: Tid) throws -> Int32? {
    var info = siginfo_t()
    // WSTOPPED, WEXITED, WNOWAIT and __WALL of waitid(2).
    while waitid(P_PID, id_t(tid.rawValue), &info, 2 | 4 | 0x100_0000 | 0x4000_0000) != 0 {
      guard errno == EINTR else { return nil }
    }
    guard info.si_code == 4 /* CLD_TRAPPED */ else { return nil }
    // PTRACE_EVENT stops are told apart by the event in the upper bits.
    let status = withUnsafeBytes(of: info) { $0.loadUnaligned(fromByteOffset: 24, as: Int32.self) }
    guard status == SIGTRAP, let details = try? Ptrace.signalInfo(tid), details.signal == .trap else { return nil }
    return [SignalCode.trace, 1].contains(details.code) ? details.code : nil
  }
}
