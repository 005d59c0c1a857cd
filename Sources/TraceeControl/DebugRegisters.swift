import CLinuxShim
package import KernelABI

/// What one of the processor's debug registers stops at (Intel SDM volume 3, 19.2).
package struct DebugRegister: Equatable, Sendable {
  package enum Condition: UInt, Sendable {
    case execution = 0
    case write = 1
    case access = 3
  }

  package var condition: Condition
  package var address: RemotePointer
  /// 1, 2, 4 or 8; the address is a multiple of it. 1 for execution.
  package var byteCount: Int

  package init(_ condition: Condition, _ address: RemotePointer, byteCount: Int = 1) {
    self.condition = condition
    self.address = address
    self.byteCount = byteCount
  }

  /// The four bits that register 7 has for it: the length is encoded as 0, 1, 3 and 2 for 1, 2, 4 and 8 bytes.
  fileprivate var controlBits: UInt {
    let length: UInt =
      switch byteCount {
      case 1: 0
      case 2: 1
      case 4: 3
      default: 2
      }
    return length << 2 | condition.rawValue
  }
}

/// A thread's debug registers 0 to 3.
package struct DebugRegisters: Equatable, Sendable {
  package static let count = 4
  package private(set) var slots: [DebugRegister?] = Array(repeating: nil, count: count)

  package init() {}

  package subscript(index: Int) -> DebugRegister? {
    get { slots[index] }
    set { slots[index] = newValue }
  }

  /// Register 7: a bit that turns each register on, and its condition and length from bit 16 on.
  fileprivate var control: UInt {
    slots.enumerated().reduce(0) { control, slot in
      guard let register = slot.element else { return control }
      return control | 1 << UInt(2 * slot.offset) | register.controlBits << UInt(16 + 4 * slot.offset)
    }
  }
}

extension Ptrace {
  /// The debug registers in `struct user` (sys/user.h), by their numbers.
  private static func offset(_ number: Int) -> UInt { UInt(848 + 8 * number) }
  private static let statusNumber = 6
  private static let controlNumber = 7

  static func setDebugRegisters(_ tid: Tid, _ old: DebugRegisters, _ new: DebugRegisters) throws(KernelError) {
    for (index, register) in new.slots.enumerated() {
      guard let register, register != old.slots[index] else { continue }
      // The kernel refuses an address that doesn't go with the length that is in force.
      if old.slots[index] != nil {
        var without = old
        without[index] = nil
        try poke(tid, controlNumber, without.control)
      }
      try poke(tid, index, UInt(register.address.rawValue))
    }
    try poke(tid, controlNumber, new.control)
  }

  /// Which of the registers 0 to 3 have stopped the tracee since this was last asked, as bits.
  static func takeDebugStatus(_ tid: Tid) throws(KernelError) -> UInt8 {
    let peekUser = 3
    var status: UInt = 0
    let result = withUnsafeMutablePointer(to: &status) {
      rrs_ptrace(peekUser, tid.rawValue, offset(statusNumber), UInt(bitPattern: $0))
    }
    _ = try check(result, "PTRACE_PEEKUSER", tid: tid)
    if status & 0xf != 0 { try poke(tid, statusNumber, 0) }
    return UInt8(status & 0xf)
  }

  private static func poke(_ tid: Tid, _ number: Int, _ value: UInt) throws(KernelError) {
    let pokeUser = 6
    _ = try check(rrs_ptrace(pokeUser, tid.rawValue, offset(number), value), "PTRACE_POKEUSER", tid: tid)
  }
}

extension Tracee {
  /// The register that the engines use to stop before an instruction; the others are for what a debugger watches.
  package static let executionSlot = 0

  /// Stops the tracee before it executes the instruction at `address`: nothing is written to its memory. Nil ends
  /// that. The stop is a SIGTRAP with code TRAP_HWBKPT (4); running on from it executes the instruction.
  package func setExecutionBreakpoint(_ address: RemotePointer?) throws(KernelError) {
    var registers = debugRegisters
    registers[Self.executionSlot] = address.map { DebugRegister(.execution, $0) }
    try setDebugRegisters(registers)
  }

  package func setDebugRegisters(_ registers: DebugRegisters) throws(KernelError) {
    guard registers != debugRegisters else { return }
    try Ptrace.setDebugRegisters(tid, debugRegisters, registers)
    debugRegisters = registers
  }

  /// Whether there are registers for what a debugger watches.
  package var watches: Bool { debugRegisters.slots[(Self.executionSlot + 1)...].contains { $0 != nil } }

  /// Which registers have stopped the tracee since this was last asked, but for the engines' own.
  package func takeWatchStatus() throws(KernelError) -> UInt8 {
    try Ptrace.takeDebugStatus(tid) & ~(1 << UInt8(Self.executionSlot))
  }
}
