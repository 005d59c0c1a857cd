package import KernelABI
package import TraceeControl

// The flag that makes the processor stop after an instruction shows in two places: in what `pushf` stores, and in r11
// behind `syscall`. ptrace(2) hides it in eflags alone.

/// `pushf` that is stepped over.
package struct SteppedPush {
  private var next: UInt64

  /// Nil: the tracee stands before another instruction.
  package init?(_ tracee: Tracee) throws(KernelError) {
    let start = try tracee.registers().rip
    var word: UInt32 = 0
    let count = withUnsafeMutableBytes(of: &word) { tracee.read(RemotePointer(start), into: $0) }
    let bytes = withUnsafeBytes(of: word) { Array($0.prefix(count)) }
    let isPrefix = { (byte: UInt8) in byte == 0x66 || byte & 0xf0 == 0x40 }
    guard let index = bytes.firstIndex(where: { !isPrefix($0) }), bytes[index] == 0x9c else { return nil }
    next = start + UInt64(index) + 1
  }

  /// To be called when the step has ended.
  package func finish(_ tracee: Tracee) throws(KernelError) {
    let registers = try tracee.registers()
    guard registers.rip == next, let flags = tracee.read(registers.stackPointer, as: UInt16.self) else { return }
    tracee.write(registers.stackPointer, value: flags & ~UInt16(Registers.trapFlag))
  }
}

extension Registers {
  package static let trapFlag: UInt64 = 0x100
}

extension Tracee {
  /// To be called at a system call's entry that was reached by a step.
  package func hideTrapFlagOfCall() throws(KernelError) {
    var registers = try registers()
    guard registers.r11 & Registers.trapFlag != 0, registers.eflags & Registers.trapFlag == 0 else { return }
    registers.r11 &= ~Registers.trapFlag
    setRegisters(registers)
  }
}
