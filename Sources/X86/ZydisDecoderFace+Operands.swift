internal import CZydis

/// What is asked about the few instructions that are executed by hand.
extension ZydisDecoderFace {
  func stateSave(_ bytes: UnsafePointer<UInt8>, count: Int) -> StateSave? {
    guard let decoded = decodeFully(bytes, count: count) else { return nil }
    let form: StateSave.Form
    switch decoded.pointee.mnemonic {
    case ZYDIS_MNEMONIC_XSAVE, ZYDIS_MNEMONIC_XSAVE64, ZYDIS_MNEMONIC_XSAVEOPT, ZYDIS_MNEMONIC_XSAVEOPT64:
      form = .xsave
    case ZYDIS_MNEMONIC_XSAVEC, ZYDIS_MNEMONIC_XSAVEC64: form = .xsavec
    case ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_FXSAVE64: form = .fxsave
    case ZYDIS_MNEMONIC_FNSAVE: form = .fnsave
    case ZYDIS_MNEMONIC_FNSTENV: form = .fnstenv
    default: return nil
    }
    guard let operand = memoryOperand(decoded) else { return nil }
    return StateSave(
      form: form, isWide: decoded.pointee.raw.rex.W != 0, isNarrow: Self.hasPrefix(0x66, bytes), operand: operand,
      length: decoded.pointee.length)
  }

  func memoryOperand(_ bytes: UnsafePointer<UInt8>, count: Int) -> MemoryOperand? {
    guard let decoded = decodeFully(bytes, count: count) else { return nil }
    return memoryOperand(decoded)
  }

  /// The memory operand of the instruction just decoded.
  private func memoryOperand(_ decoded: UnsafeMutablePointer<ZydisDecodedInstruction>) -> MemoryOperand? {
    guard let memory = explicitMemory else { return nil }
    var result = MemoryOperand(displacement: memory.disp.value, isNarrow: decoded.pointee.address_width == 32)
    switch memory.base {
    case ZYDIS_REGISTER_NONE: break
    case ZYDIS_REGISTER_RIP, ZYDIS_REGISTER_EIP: result.base = .nextInstruction
    default: result.base = Self.general(memory.base).map { .register($0) }
    }
    if memory.index != ZYDIS_REGISTER_NONE {
      result.index = Self.general(memory.index)
      result.scale = UInt64(memory.scale)
    }
    switch memory.segment {
    case ZYDIS_REGISTER_FS: result.segment = .fs
    case ZYDIS_REGISTER_GS: result.segment = .gs
    default: break
    }
    return result
  }

  private static func general(_ register: ZydisRegister) -> GeneralRegister? {
    let whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, register)
    let number = Int64(whole.rawValue) - Int64(ZYDIS_REGISTER_RAX.rawValue)
    return UInt8(exactly: number).flatMap { GeneralRegister(rawValue: $0) }
  }
}
