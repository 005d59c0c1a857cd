import Execution
package import KernelABI
package import Replay
import TraceeControl
import TraceFormat

/// What stops a debugger on its way.
package struct StopSet: Sendable {
  package private(set) var breakpoints: [Breakpoint] = []
  /// Signals that pass without a stop.
  package var passedSignals: Set<Int32> = []

  package init() {}

  /// Inserts it, or replaces the conditions of one that is there.
  package mutating func insert(_ breakpoint: Breakpoint) {
    remove(breakpoint)
    breakpoints.append(breakpoint)
  }

  package mutating func remove(_ breakpoint: Breakpoint) { breakpoints.removeAll { $0 == breakpoint } }

  package var codeBreakpoints: [Breakpoint] { breakpoints.filter { !$0.isWatch } }
  package var watchpoints: [Breakpoint] { breakpoints.filter(\.isWatch) }

  /// What tells this set from others: with equal ones, a piece of a recording has equal stops.
  package var identity: [UInt8] {
    var bytes: [UInt8] = []
    for breakpoint in breakpoints {
      bytes.append(breakpoint.kind.rawValue)
      for word in [UInt64(UInt32(bitPattern: breakpoint.process)), breakpoint.address, UInt64(breakpoint.byteCount)] {
        withUnsafeBytes(of: word) { bytes += $0 }
      }
      for condition in breakpoint.conditions {
        bytes.append(0xff)
        bytes += condition.identity
      }
    }
    for signal in passedSignals.sorted() { bytes += [0xfe, UInt8(truncatingIfNeeded: signal)] }
    return bytes
  }

  /// The code breakpoints that stop a tracee which has come to one.
  func stopping(_ tracee: ReplayTracee, _ registers: Registers) -> Breakpoint? {
    codeBreakpoints.first { breakpoint in
      guard breakpoint.address == registers.rip,
        breakpoint.process == tracee.tracee.threadGroup.recordedID.rawValue
      else { return false }
      return breakpoint.holds(tracee, registers)
    }
  }

  /// What a replay is told to stop at.
  func control() -> CodeControl {
    var control = CodeControl()
    for breakpoint in codeBreakpoints {
      let known = control.breakpoints[Tid(breakpoint.process), default: [:]]
      // Of two breakpoints at one place, neither decides alone.
      let isOnly = known.index(forKey: breakpoint.address) == nil && breakpoint.conditions.count == 1
      control.breakpoints[Tid(breakpoint.process), default: [:]].updateValue(
        isOnly ? breakpoint.conditions[0].program : nil, forKey: breakpoint.address)
    }
    control.watches = watchpoints.map {
      WatchedMemory(
        process: Tid($0.process), kind: $0.kind == .write ? .write : $0.kind == .read ? .read : .access,
        range: RemoteRange(RemotePointer($0.address), byteCount: UInt64(max($0.byteCount, 1))))
    }
    control.stopsAtSignals = true
    let set = self
    if codeBreakpoints.contains(where: { !$0.conditions.isEmpty }) {
      control.holds = { tracee in
        guard let registers = try? tracee.tracee.registers() else { return true }
        return set.stopping(tracee, registers) != nil
      }
    }
    return control
  }
}

extension Breakpoint {
  package var isWatch: Bool { kind == .write || kind == .read || kind == .access }

  func holds(_ tracee: ReplayTracee, _ registers: Registers) -> Bool {
    conditions.isEmpty
      || conditions.contains { condition in
        condition.holds(registers) { tracee.tracee.readBytes(RemotePointer($0), count: $1) }
      }
  }
}
