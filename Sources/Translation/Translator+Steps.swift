package import X86

/// For an engine that executes a single instruction itself, by stepping the tracee over the original.
extension Translator {
  /// The application's instruction at `address`; nil where there is none.
  package func instruction(at address: UInt64) -> Instruction? {
    defer { pages.pointee.dropUnreliable() }
    return pages.pointee.decode(address)?.0
  }

  /// The instruction at `address`, which stores processor state, with its operand; nil for another one.
  package func stateSave(at address: UInt64) -> StateSave? {
    defer { pages.pointee.dropUnreliable() }
    return pages.pointee.stateSave(address)
  }

  /// The ticks that are counted when `instruction`, at `address`, has gone on to `next`. A repeated string instruction
  /// or a fault that goes on to its own address counts none.
  package func ticks(of instruction: Instruction, at address: UInt64, goingTo next: UInt64) -> Int64 {
    switch (options.tickDefinition, instruction.kind) {
    case (.nonForwardTransfers, .indirectJump), (.nonForwardTransfers, .indirectCall),
      (.nonForwardTransfers, .nearReturn):
      return 1
    case (.nonForwardTransfers, .conditionalJump), (.nonForwardTransfers, .counterJump),
      (.nonForwardTransfers, .jump), (.nonForwardTransfers, .call):
      return next <= address ? 1 : 0
    case (.retiredConditionalBranches, .conditionalJump), (.retiredConditionalBranches, .counterJump):
      return 1
    default:
      return 0
    }
  }
}
