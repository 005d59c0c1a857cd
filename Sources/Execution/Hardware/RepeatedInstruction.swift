package import KernelABI
package import TraceeControl

/// Iterations of a repeated string instruction, executed at once: to step through them takes a stop for each.
///
/// `prepare` leaves the tracee with a smaller count; it is then to be run natively up to a breakpoint at `next`, and
/// `finish` gives it the state in between that was looked for, wherever it has stopped.
package struct RepeatedInstruction: Equatable {
  package let address: UInt64
  /// The instruction behind it.
  package let next: UInt64
  private let iterations: UInt64
  /// The count that remains when these are done.
  private let rest: UInt64

  /// Nil where the tracee doesn't stand before such an instruction, or has too few iterations of it to go. `target`: in
  /// the midst of it, or elsewhere, which takes all iterations.
  package init?(_ tracee: Tracee, until target: Registers) throws(KernelError) {
    let registers = try tracee.registers()
    guard let length = Self.length(TraceeCode(tracee).bytes(at: registers.rip)) else { return nil }
    address = registers.rip
    next = registers.rip &+ length
    rest = target.rip == registers.rip ? target.rcx : 0
    guard registers.rcx > rest, registers.rcx - rest > 1 else { return nil }
    iterations = registers.rcx - rest
  }

  /// All iterations that are left.
  package init?(_ tracee: Tracee) throws(KernelError) {
    var behind = try tracee.registers()
    behind.rip = ~behind.rip
    try self.init(tracee, until: behind)
  }

  package func prepare(_ tracee: Tracee) throws(KernelError) {
    var registers = try tracee.registers()
    registers.rcx = iterations
    tracee.setRegisters(registers)
  }

  package func finish(_ tracee: Tracee) throws(KernelError) {
    var registers = try tracee.registers()
    guard registers.rip == address || registers.rip == next else { return }
    if registers.rip == next, registers.rcx == 0, rest > 0 { registers.rip = address }
    registers.rcx &+= rest
    tracee.setRegisters(registers)
  }

  /// The length of the repeated string instruction with 64-bit addresses that `bytes` begin with.
  static func length(_ bytes: [UInt8]) -> UInt64? {
    var isRepeated = false
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case 0xF2, 0xF3: isRepeated = true
      case 0x66, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x40...0x4F: break
      // movs, cmps, stos, lods, scas
      case 0xA4...0xA7, 0xAA...0xAF: return isRepeated ? UInt64(index + 1) : nil
      default: return nil
      }
    }
    return nil
  }
}
