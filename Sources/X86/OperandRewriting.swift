/// Rewriting of memory operands: the forms in which an instruction is re-encoded instead of copied.
extension CodeWriter {
  /// Copies `bytes`, a RIP-relative instruction, so that its operand is still at `target`.
  /// False, with nothing written, if it is further than 2 GiB away.
  package mutating func copyRIPRelative(
    _ bytes: UnsafePointer<UInt8>, _ instruction: Instruction, operandAddress target: UInt64
  ) -> Bool {
    // The processor cuts a RIP-relative address with an address-size prefix to 32 bits after the addition.
    if instruction.hasAddressSizePrefix { return false }
    let length = Int(instruction.length)
    let distance = Int64(bitPattern: target &- (address &+ UInt64(length)))
    guard let displacement = Int32(exactly: distance) else { return false }
    let start = offset
    self.bytes(bytes, count: length)
    UnsafeMutableRawPointer(memory + start + Int(instruction.displacementOffset))
      .storeBytes(of: displacement, as: Int32.self)
    return true
  }

  /// Copies `bytes`, a RIP-relative instruction, with `[base]` as its operand. `base` is one of the first eight
  /// registers and neither rsp nor rbp, so that no SIB byte and no displacement is needed.
  package mutating func copyRIPRelative(
    _ bytes: UnsafePointer<UInt8>, _ instruction: Instruction, base: GeneralRegister
  ) {
    precondition(RegisterSet([]).union(RegisterSet(base)).rawValue & 0xFF30 == 0, "the register needs a longer form")
    let start = offset
    let displacementAt = Int(instruction.displacementOffset)
    self.bytes(bytes, count: displacementAt)
    self.bytes(bytes + displacementAt + 4, count: Int(instruction.length) - displacementAt - 4)
    let modRMAt = start + Int(instruction.modRMOffset)
    memory[modRMAt] = memory[modRMAt] & 0x38 | base.rawValue
    clearBaseExtension(instructionAt: start, instruction)
  }

  /// `mov rcx, operand`, where the operand is that of an indirect jump or call. A RIP-relative operand isn't
  /// handled here. A REX prefix counts only if the opcode follows it at once.
  package mutating func loadRCXFromOperand(_ bytes: UnsafePointer<UInt8>, _ instruction: Instruction) {
    var rex: UInt8 = 0x48
    for index in 0..<Int(instruction.modRMOffset) - 1 {
      switch bytes[index] {
      case 0x64, 0x65, 0x67:
        byte(bytes[index])
        rex = 0x48
      case 0x40...0x4F: rex = 0x48 | bytes[index] & 3
      default: rex = 0x48
      }
    }
    byte(rex)
    byte(0x8B)
    let modRMAt = Int(instruction.modRMOffset)
    byte(bytes[modRMAt] & 0xC7 | GeneralRegister.rcx.rawValue << 3)
    self.bytes(bytes + modRMAt + 1, count: Int(instruction.length) - modRMAt - 1)
  }

  /// `mov rcx, [rip + …]` with the segment override of the indirect jump or call in `bytes`. False, with nothing
  /// written, if the operand is out of reach.
  package mutating func loadRCXRIPRelative(
    _ bytes: UnsafePointer<UInt8>, _ instruction: Instruction, operandAddress target: UInt64
  ) -> Bool {
    let segment = Self.segmentOverride(bytes, instruction)
    let length = segment == nil ? 7 : 8
    let distance = Int64(bitPattern: target &- (address &+ UInt64(length)))
    guard let displacement = Int32(exactly: distance) else { return false }
    if let segment { byte(segment) }
    byte(0x48)
    byte(0x8B)
    byte(0x0D)
    dword(UInt32(bitPattern: displacement))
    return true
  }

  /// `mov rcx, target` and `mov rcx, [rcx]`, with the segment override of the indirect jump or call in `bytes`.
  package mutating func loadRCXThroughRCX(
    _ bytes: UnsafePointer<UInt8>, _ instruction: Instruction, operandAddress target: UInt64
  ) {
    move(.rcx, immediate: target)
    if let segment = Self.segmentOverride(bytes, instruction) { byte(segment) }
    byte(0x48)
    byte(0x8B)
    byte(0x09)
  }

  private static func segmentOverride(_ bytes: UnsafePointer<UInt8>, _ instruction: Instruction) -> UInt8? {
    for index in 0..<Int(instruction.modRMOffset) where bytes[index] == 0x64 || bytes[index] == 0x65 {
      return bytes[index]
    }
    return nil
  }

  /// Makes the base register one of the first eight: RIP-relative forms ignore the bit that extends it.
  private mutating func clearBaseExtension(instructionAt start: Int, _ instruction: Instruction) {
    var at = start
    skipping: while true {
      switch memory[at] {
      case 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65: at += 1
      default: break skipping
      }
    }
    switch instruction.encoding {
    case .legacy:
      if memory[at] & 0xF0 == 0x40 { memory[at] &= ~1 }
    case .vex:
      // The bit is inverted, and the two-byte prefix (C5) has none.
      if memory[at] == 0xC4 { memory[at + 1] |= 0x20 }
    case .evex, .xop:
      memory[at + 1] |= 0x20
    }
  }
}
