/// A 64-bit general register, numbered as in machine code.
package enum GeneralRegister: UInt8, Sendable, CaseIterable {
  case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
}

/// A set of general registers: bit n is register n. A part of a register (`ch`, `r8d`) counts as the whole.
package struct RegisterSet: OptionSet, Sendable, BitwiseCopyable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }
  package init(_ register: GeneralRegister) { self.init(rawValue: 1 << UInt16(register.rawValue)) }

  package func contains(_ register: GeneralRegister) -> Bool { rawValue & (1 << UInt16(register.rawValue)) != 0 }

  /// A register outside this set that can be the base of a memory operand without REX, SIB byte or displacement,
  /// which is what a RIP-relative operand can be turned into without making the instruction longer. Never rsp or rbp.
  package var freeBaseRegister: GeneralRegister? {
    for candidate in [GeneralRegister.rcx, .rdx, .rax, .rsi, .rdi, .rbx] where !contains(candidate) { return candidate }
    return nil
  }
}
