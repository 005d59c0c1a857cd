internal import CZydis

/// Zydis behind a face of three calls. It knows every instruction; each costs it 50 to 100 nanoseconds.
struct ZydisDecoderFace: ~Copyable {
  private let decoder: UnsafeMutablePointer<ZydisDecoder>
  private let decoded: UnsafeMutablePointer<ZydisDecodedInstruction>
  private let operands: UnsafeMutablePointer<ZydisDecodedOperand>
  private static let operandCountMax = 10

  init() {
    decoder = .allocate(capacity: 1)
    decoded = .allocate(capacity: 1)
    operands = .allocate(capacity: Self.operandCountMax)
    decoder.initialize(to: ZydisDecoder())
    decoded.initialize(to: ZydisDecodedInstruction())
    operands.initialize(repeating: ZydisDecodedOperand(), count: Self.operandCountMax)
    let status = ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)
    precondition(status < 0x8000_0000, "Zydis refuses 64-bit mode")
  }

  deinit {
    operands.deallocate()
    decoded.deallocate()
    decoder.deallocate()
  }

  func decode(_ bytes: UnsafePointer<UInt8>, count: Int) -> Instruction? {
    let status = ZydisDecoderDecodeInstruction(decoder, nil, bytes, ZyanUSize(count), decoded)
    guard status < 0x8000_0000 else { return nil }
    var instruction = Instruction(length: decoded.pointee.length)
    instruction.opcode = decoded.pointee.opcode
    let attributes = decoded.pointee.attributes
    instruction.hasAddressSizePrefix = Self.hasPrefix(0x67, bytes)
    instruction.encoding = Self.encoding(decoded.pointee.encoding)
    if attributes & Self.modRMAttribute != 0 {
      let modRM = decoded.pointee.raw.modrm
      instruction.modRMOffset = modRM.offset
      if modRM.mod == 0 && modRM.rm == 5 { instruction.displacementOffset = decoded.pointee.raw.disp.offset }
    }
    if let flags = decoded.pointee.cpu_flags?.pointee {
      instruction.flagsRead = StatusFlags(eflags: flags.tested)
      if !writesFlagsConditionally() {
        instruction.flagsKilled = StatusFlags(eflags: flags.modified | flags.set_0 | flags.set_1)
      }
    }
    classify(&instruction, bytes)
    if instruction.kind.exposesFlags {
      instruction.flagsRead = .all
      instruction.flagsKilled = .none
    }
    return instruction
  }

  /// Decodes with operands; nil if that isn't an instruction.
  func decodeFully(_ bytes: UnsafePointer<UInt8>, count: Int) -> UnsafeMutablePointer<ZydisDecodedInstruction>? {
    ZydisDecoderDecodeFull(decoder, bytes, ZyanUSize(count), decoded, operands) < 0x8000_0000 ? decoded : nil
  }

  /// The explicit memory operand of the instruction that was last decoded with operands.
  var explicitMemory: ZydisDecodedOperandMem? {
    for index in 0..<Int(decoded.pointee.operand_count_visible)
    where operands[index].type == ZYDIS_OPERAND_TYPE_MEMORY {
      return operands[index].mem
    }
    return nil
  }

  func registersUsed(_ bytes: UnsafePointer<UInt8>, count: Int) -> RegisterSet? {
    guard decodeFully(bytes, count: count) != nil else { return nil }
    var used = RegisterSet([])
    for index in 0..<Int(decoded.pointee.operand_count) {
      let operand = operands[index]
      switch operand.type {
      case ZYDIS_OPERAND_TYPE_REGISTER: Self.insert(operand.reg.value, &used)
      case ZYDIS_OPERAND_TYPE_MEMORY:
        Self.insert(operand.mem.base, &used)
        Self.insert(operand.mem.index, &used)
      default: break
      }
    }
    return used
  }

  private static let modRMAttribute: UInt64 = 1

  static func hasPrefix(_ wanted: UInt8, _ bytes: UnsafePointer<UInt8>) -> Bool {
    for index in 0..<Instruction.byteCountMax {
      switch bytes[index] {
      case wanted: return true
      case 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65: continue
      default: return false
      }
    }
    return false
  }

  private static func insert(_ register: ZydisRegister, _ set: inout RegisterSet) {
    let whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, register)
    guard whole.rawValue >= ZYDIS_REGISTER_RAX.rawValue, whole.rawValue <= ZYDIS_REGISTER_R15.rawValue else { return }
    set.formUnion(RegisterSet(rawValue: 1 << UInt16(whole.rawValue - ZYDIS_REGISTER_RAX.rawValue)))
  }

  private static func encoding(_ encoding: ZydisInstructionEncoding) -> Instruction.Encoding {
    switch encoding {
    case ZYDIS_INSTRUCTION_ENCODING_VEX: .vex
    case ZYDIS_INSTRUCTION_ENCODING_EVEX: .evex
    case ZYDIS_INSTRUCTION_ENCODING_XOP: .xop
    default: .legacy
    }
  }

  /// Whether the instruction may leave flags as they are: a shift by zero, a repeated comparison of no elements.
  private func writesFlagsConditionally() -> Bool {
    switch decoded.pointee.mnemonic {
    case ZYDIS_MNEMONIC_SHL, ZYDIS_MNEMONIC_SHR, ZYDIS_MNEMONIC_SAR, ZYDIS_MNEMONIC_ROL, ZYDIS_MNEMONIC_ROR,
      ZYDIS_MNEMONIC_RCL, ZYDIS_MNEMONIC_RCR, ZYDIS_MNEMONIC_SHLD, ZYDIS_MNEMONIC_SHRD:
      return true
    case ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD, ZYDIS_MNEMONIC_CMPSQ, ZYDIS_MNEMONIC_SCASB,
      ZYDIS_MNEMONIC_SCASW, ZYDIS_MNEMONIC_SCASD, ZYDIS_MNEMONIC_SCASQ:
      return true
    default:
      return false
    }
  }

  private func classify(_ instruction: inout Instruction, _ bytes: UnsafePointer<UInt8>) {
    let mnemonic = decoded.pointee.mnemonic
    switch mnemonic {
    case ZYDIS_MNEMONIC_JMP, ZYDIS_MNEMONIC_CALL, ZYDIS_MNEMONIC_RET: classifyNear(&instruction, bytes)
    case ZYDIS_MNEMONIC_JRCXZ, ZYDIS_MNEMONIC_JECXZ, ZYDIS_MNEMONIC_JCXZ, ZYDIS_MNEMONIC_LOOP, ZYDIS_MNEMONIC_LOOPE,
      ZYDIS_MNEMONIC_LOOPNE:
      instruction.kind = .counterJump
      instruction.relative = Int32(truncatingIfNeeded: decoded.pointee.raw.imm.0.value.s)
    case ZYDIS_MNEMONIC_IRET, ZYDIS_MNEMONIC_IRETD, ZYDIS_MNEMONIC_IRETQ, ZYDIS_MNEMONIC_SYSRET,
      ZYDIS_MNEMONIC_SYSEXIT, ZYDIS_MNEMONIC_UIRET:
      instruction.kind = .farTransfer
    case ZYDIS_MNEMONIC_SYSCALL: instruction.kind = .syscall
    case ZYDIS_MNEMONIC_SYSENTER: instruction.kind = .sysenter
    case ZYDIS_MNEMONIC_INT: instruction.kind = .interrupt
    case ZYDIS_MNEMONIC_INT3, ZYDIS_MNEMONIC_INT1: instruction.kind = .breakpoint
    case ZYDIS_MNEMONIC_UD0, ZYDIS_MNEMONIC_UD1, ZYDIS_MNEMONIC_UD2: instruction.kind = .undefined
    case ZYDIS_MNEMONIC_RDTSC: instruction.kind = .rdtsc
    case ZYDIS_MNEMONIC_RDTSCP: instruction.kind = .rdtscp
    case ZYDIS_MNEMONIC_RDPMC: instruction.kind = .rdpmc
    case ZYDIS_MNEMONIC_CPUID: instruction.kind = .cpuid
    case ZYDIS_MNEMONIC_RDRAND: instruction.kind = .rdrand
    case ZYDIS_MNEMONIC_RDSEED: instruction.kind = .rdseed
    case ZYDIS_MNEMONIC_RDPID: instruction.kind = .rdpid
    case ZYDIS_MNEMONIC_XGETBV: instruction.kind = .xgetbv
    case ZYDIS_MNEMONIC_XBEGIN:
      instruction.kind = .xbegin
      instruction.relative = Int32(truncatingIfNeeded: decoded.pointee.raw.imm.0.value.s)
    case ZYDIS_MNEMONIC_XSAVE, ZYDIS_MNEMONIC_XSAVE64, ZYDIS_MNEMONIC_XSAVEC, ZYDIS_MNEMONIC_XSAVEC64,
      ZYDIS_MNEMONIC_XSAVEOPT, ZYDIS_MNEMONIC_XSAVEOPT64, ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_FXSAVE64,
      ZYDIS_MNEMONIC_FNSTENV, ZYDIS_MNEMONIC_FNSAVE:
      instruction.kind = .stateSave
    default:
      let immediate = decoded.pointee.raw.imm.0
      guard decoded.pointee.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE, immediate.is_relative != 0 else { return }
      instruction.kind = .conditionalJump
      instruction.relative = Int32(truncatingIfNeeded: immediate.value.s)
      markIfMakerDependent(&instruction, bytes)
    }
  }

  private func classifyNear(_ instruction: inout Instruction, _ bytes: UnsafePointer<UInt8>) {
    guard decoded.pointee.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR else {
      instruction.kind = .farTransfer
      return
    }
    let immediate = decoded.pointee.raw.imm.0
    if decoded.pointee.mnemonic == ZYDIS_MNEMONIC_RET {
      instruction.kind = .nearReturn
      if immediate.size != 0 { instruction.relative = Int32(truncatingIfNeeded: immediate.value.u & 0xFFFF) }
    } else {
      let isJump = decoded.pointee.mnemonic == ZYDIS_MNEMONIC_JMP
      if immediate.is_relative != 0 {
        instruction.kind = isJump ? .jump : .call
        instruction.relative = Int32(truncatingIfNeeded: immediate.value.s)
      } else {
        instruction.kind = isJump ? .indirectJump : .indirectCall
      }
    }
    markIfMakerDependent(&instruction, bytes)
  }

  /// With an operand-size prefix and no REX.W, AMD's processors cut the target to 16 bits; Intel's ignore the prefix.
  private func markIfMakerDependent(_ instruction: inout Instruction, _ bytes: UnsafePointer<UInt8>) {
    if Self.hasPrefix(0x66, bytes) && decoded.pointee.raw.rex.W == 0 { instruction.kind = .makerDependent }
  }
}
