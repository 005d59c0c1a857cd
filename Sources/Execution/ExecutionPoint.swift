package import KernelABI
package import TraceeControl

/// A place in a tracee's run.
package struct ExecutionPoint: Equatable, Sendable {
  package var ticks: UInt64
  /// Which of the places at that tick. Nil: the first one; where ticks are non-forward transfers there is no other that
  /// a recording names.
  package var registers: Registers?

  package init(ticks: UInt64, registers: Registers? = nil) {
    self.ticks = ticks
    self.registers = registers
  }
}

/// How far a tracee may run.
package enum RunLimit: Equatable, Sendable {
  /// The end of a time slice: this tick, or soon after it.
  case slice(UInt64)
  /// Exactly there.
  case point(ExecutionPoint)

  package var ticks: UInt64 {
    switch self {
    case .slice(let ticks): ticks
    case .point(let point): point.ticks
    }
  }
}

extension ExecutionPoint {
  /// Whether a tracee that is at this tick has the point's registers. The flags that decide are those that the program
  /// can still look at: a translation doesn't keep the others.
  package func hasRegisters(of tracee: Tracee) throws(KernelError) -> Bool {
    guard let registers else { return true }
    let found = try tracee.registers()
    guard found.isSamePlace(as: registers) else { return false }
    let differing = (found.eflags ^ registers.eflags) & Registers.visibleFlags
    return differing == 0 || differing & LiveFlags.mask(at: found.rip, of: tracee) == 0
  }
}

extension Registers {
  /// Flags that a program can tell apart: CF, PF, AF, ZF, SF, DF and OF.
  package static let visibleFlags: UInt64 = 0xcd5

  /// Whether all general registers and segment bases are equal. The call number isn't the program's, and flags are
  /// compared apart: the processor sets some of them (RF, TF) for those who debug.
  func isSamePlace(as other: Registers) -> Bool {
    guard rip == other.rip, rsp == other.rsp else { return false }
    var left = self
    var right = other
    (left.origRax, left.eflags) = (0, 0)
    (right.origRax, right.eflags) = (0, 0)
    return left == right
  }
}
