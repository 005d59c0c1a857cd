/// Decodes 64-bit machine code: common instructions by a table in some ten nanoseconds, the rest by Zydis.
///
/// The fast path may accept bytes that no processor executes (a `lock` prefix on a move, say). That is sound: such an
/// instruction has the length given here in any case, is copied as it is, and faults in the copy as it would have in
/// the original.
package struct InstructionDecoder: ~Copyable {
  private let table: UnsafeMutablePointer<UInt32>
  private let zydis: ZydisDecoderFace

  package init() {
    let entries = OpcodeTable.make()
    table = .allocate(capacity: entries.count)
    table.initialize(from: entries, count: entries.count)
    zydis = ZydisDecoderFace()
  }

  deinit { table.deallocate() }

  /// Decodes the instruction at `bytes`, of which `count` are readable. Nil if they don't hold a whole valid one.
  package func decode(_ bytes: UnsafePointer<UInt8>, count: Int) -> Instruction? {
    if count >= Instruction.byteCountMax {
      var instruction = Instruction()
      if decodeCommon(bytes, &instruction) { return instruction }
      return zydis.decode(bytes, count: Instruction.byteCountMax)
    }
    guard count > 0 else { return nil }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { padded in
      padded.initialize(repeating: 0)
      for index in 0..<count { padded[index] = bytes[index] }
      let start = UnsafePointer(padded.baseAddress.unsafelyUnwrapped)
      var instruction = Instruction()
      if decodeCommon(start, &instruction) { return Int(instruction.length) <= count ? instruction : nil }
      return zydis.decode(bytes, count: count)
    }
  }

  /// Decodes by Zydis alone: the slow path, and the fast path's oracle.
  package func decodeThoroughly(_ bytes: UnsafePointer<UInt8>, count: Int) -> Instruction? {
    zydis.decode(bytes, count: min(count, Instruction.byteCountMax))
  }

  /// The general registers that the instruction at `bytes` reads or writes, implicitly too; nil if it isn't one.
  package func registersUsed(_ bytes: UnsafePointer<UInt8>, count: Int) -> RegisterSet? {
    zydis.registersUsed(bytes, count: min(count, Instruction.byteCountMax))
  }

  /// What the instruction at `bytes` saves and where; nil if it isn't a `stateSave`.
  package func stateSave(_ bytes: UnsafePointer<UInt8>, count: Int) -> StateSave? {
    zydis.stateSave(bytes, count: min(count, Instruction.byteCountMax))
  }

  /// The explicit memory operand of the instruction at `bytes`; nil if there is none, or no instruction.
  package func memoryOperand(_ bytes: UnsafePointer<UInt8>, count: Int) -> MemoryOperand? {
    zydis.memoryOperand(bytes, count: min(count, Instruction.byteCountMax))
  }

  /// The fast path. Reads at most 15 bytes. False if the instruction isn't one it knows.
  @inline(__always)
  private func decodeCommon(_ bytes: UnsafePointer<UInt8>, _ out: inout Instruction) -> Bool {
    var at = 0
    var rex: UInt8 = 0
    var operandSize16 = false
    var opcode = bytes[0]
    prefixes: while at < 6 {
      switch opcode {
      case 0x66: operandSize16 = true
      case 0x67: out.hasAddressSizePrefix = true
      case 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65: break
      case 0x40...0x4F:
        rex = opcode
        at += 1
        opcode = bytes[at]
        break prefixes
      default: break prefixes
      }
      at += 1
      opcode = bytes[at]
    }
    at += 1
    var entry: UInt32
    let isTwoByte = opcode == 0x0F
    if isTwoByte {
      opcode = bytes[at]
      at += 1
      entry = table[256 + Int(opcode)]
    } else {
      entry = table[Int(opcode)]
    }
    guard entry & OpcodeTable.known != 0 else { return false }
    out.opcode = opcode
    out.flagsRead = OpcodeTable.reads(entry)
    out.flagsKilled = OpcodeTable.kills(entry)
    if entry & OpcodeTable.hasModRM != 0 {
      let modRM = bytes[at]
      out.modRMOffset = UInt8(truncatingIfNeeded: at)
      if entry & OpcodeTable.isGroup != 0 {
        guard refineGroup(opcode, isTwoByte, modRM, &out, &entry) else { return false }
      }
      at = Self.skipOperand(bytes, at, modRM, &out)
    }
    if entry & OpcodeTable.isTransfer != 0 {
      return Self.finishTransfer(bytes, at, isTwoByte, operandSize16 && rex & 8 == 0, &out)
    }
    if entry & OpcodeTable.immediate8 != 0 {
      if !isTwoByte && opcode & 0xFE == 0xC0 {
        out.flagsKilled = Self.flagsKilledByShift(
          out.flagsKilled, count: bytes[at], narrow: opcode == 0xC0 || operandSize16, wide: rex & 8 != 0)
      }
      at += 1
    }
    if entry & OpcodeTable.immediate16Or32 != 0 { at += operandSize16 && rex & 8 == 0 ? 2 : 4 }
    if entry & OpcodeTable.immediateFull != 0 { at += rex & 8 != 0 ? 8 : operandSize16 ? 2 : 4 }
    guard at <= Instruction.byteCountMax else { return false }
    out.length = UInt8(truncatingIfNeeded: at)
    return true
  }

  /// The offset after the ModRM byte at `at`, the SIB byte and the displacement; notes a RIP-relative one.
  @inline(__always)
  private static func skipOperand(
    _ bytes: UnsafePointer<UInt8>, _ at: Int, _ modRM: UInt8, _ out: inout Instruction
  ) -> Int {
    var next = at + 1
    let mode = modRM >> 6
    guard mode != 3 else { return next }
    let base = modRM & 7
    if base == 4 {
      let sib = bytes[next]
      next += 1
      if mode == 0 && sib & 7 == 5 { next += 4 }
    } else if mode == 0 && base == 5 {
      out.displacementOffset = UInt8(truncatingIfNeeded: next)
      next += 4
    }
    if mode == 1 { next += 1 } else if mode == 2 { next += 4 }
    return next
  }

  @inline(__always)
  private static func finishTransfer(
    _ bytes: UnsafePointer<UInt8>, _ at: Int, _ isTwoByte: Bool, _ narrow: Bool, _ out: inout Instruction
  ) -> Bool {
    if narrow { return false }
    let opcode = out.opcode
    var next = at
    if isTwoByte || opcode == 0xE8 || opcode == 0xE9 {
      out.relative = UnsafeRawPointer(bytes + at).loadUnaligned(as: Int32.self)
      next += 4
    } else if opcode != 0xC3 {
      out.relative = Int32(Int8(bitPattern: bytes[at]))
      next += 1
    }
    guard next <= Instruction.byteCountMax else { return false }
    out.length = UInt8(truncatingIfNeeded: next)
    if isTwoByte {
      out.kind = .conditionalJump
    } else {
      switch opcode {
      case 0xC3: out.kind = .nearReturn
      case 0xE8: out.kind = .call
      case 0xE9, 0xEB: out.kind = .jump
      default: out.kind = .conditionalJump
      }
    }
    return true
  }

  /// Settles flags, immediate and kind of an opcode that ModRM's register field divides.
  private func refineGroup(
    _ opcode: UInt8, _ isTwoByte: Bool, _ modRM: UInt8, _ out: inout Instruction, _ entry: inout UInt32
  ) -> Bool {
    let selector = (modRM >> 3) & 7
    if isTwoByte {
      // 0F BA: bt, bts, btr, btc with an immediate.
      guard selector >= 4 else { return false }
      out.flagsKilled = .carry
      return true
    }
    switch opcode {
    case 0x80, 0x81, 0x83:
      out.flagsKilled = .all
      if selector == 2 || selector == 3 { out.flagsRead = .carry }
    case 0xC0, 0xC1, 0xD0, 0xD1:
      // The count decides for C0 and C1; OF is defined for a count of one alone.
      if selector == 2 || selector == 3 { out.flagsRead = .carry }
      out.flagsKilled = selector < 4 ? [.carry, .overflow] : [.carry, .parity, .zero, .sign, .overflow]
    case 0xD2, 0xD3:
      // A count of zero leaves all flags alone.
      if selector == 2 || selector == 3 { out.flagsRead = .carry }
    case 0xC6, 0xC7:
      guard selector == 0 else { return false }
    case 0xF6, 0xF7:
      switch selector {
      case 0, 1:
        out.flagsKilled = .all
        entry |= opcode == 0xF6 ? OpcodeTable.immediate8 : OpcodeTable.immediate16Or32
      case 3: out.flagsKilled = .all
      case 4, 5: out.flagsKilled = [.carry, .overflow]
      default: break
      }
    case 0xFE:
      guard selector < 2 else { return false }
      out.flagsKilled = .allButCarry
    case 0xFF:
      guard selector < 2 || selector == 6 else { return false }
      if selector < 2 { out.flagsKilled = .allButCarry }
    default: return false
    }
    return true
  }

  /// What a shift by an immediate count kills, out of what it kills by a count of one.
  private static func flagsKilledByShift(
    _ byOne: StatusFlags, count: UInt8, narrow: Bool, wide: Bool
  ) -> StatusFlags {
    let masked = count & (wide ? 63 : 31)
    if masked == 0 { return .none }
    if masked == 1 { return byOne }
    // With 8 and 16 bits the count can exceed the size, which leaves CF undefined for shifts and whole turns of rcl.
    return narrow ? byOne.subtracting([.overflow, .carry]) : byOne.subtracting(.overflow)
  }
}
