package import KernelABI
package import X86

/// Instructions that are executed on the registers alone.
package enum EmulatedInstructions {
  /// `xgetbv`, where `xcr0` is what the program is told. Every component counts as in use (register 1). False, with the
  /// registers as they were, if there is no such register: the instruction faults.
  package static func readExtendedControl(_ registers: inout Registers, length: UInt8, xcr0: UInt64) -> Bool {
    guard registers.rcx & 0xFFFF_FFFF <= 1 else { return false }
    registers.rax = xcr0 & 0xFFFF_FFFF
    registers.rdx = xcr0 >> 32
    registers.rip &+= UInt64(length)
    return true
  }

  /// `xbegin`: the transaction aborts at once, for no reason that is given (Intel SDM volume 1, 16.3.5), which programs
  /// must always be ready for.
  package static func abortTransaction(_ registers: inout Registers, _ instruction: Instruction) {
    precondition(instruction.kind == .xbegin)
    registers.rax = 0
    registers.rip = instruction.target(at: registers.rip)
  }
}
