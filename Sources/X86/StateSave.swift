/// An instruction that writes the processor's own state of the FPU and vector units to memory
/// (`Instruction.Kind.stateSave`).
package struct StateSave: Equatable, Sendable {
  package enum Form: Sendable {
    case xsave, xsavec, fxsave, fnsave, fnstenv
  }

  /// `xsaveopt` has the form of `xsave`: it may leave out what it needn't write, and needn't.
  package var form: Form
  /// REX.W: the x87 pointers are stored as 64-bit addresses without selectors.
  package var isWide: Bool
  /// An operand-size prefix: the 16-bit format of `fnsave` and `fnstenv`.
  package var isNarrow: Bool
  package var operand: MemoryOperand
  package var length: UInt8

  package init(form: Form, isWide: Bool, isNarrow: Bool, operand: MemoryOperand, length: UInt8) {
    self.form = form
    self.isWide = isWide
    self.isNarrow = isNarrow
    self.operand = operand
    self.length = length
  }
}
