import Execution
import KernelABI
import X86

/// Writes a breakpoint's condition as code: it saves what it uses, evaluates, restores, and comes to the breakpoint's
/// trap where the condition holds, behind it elsewhere.
///
/// The stack of the program lies in the data page. How deep it is at an operation is known beforehand, so each of its
/// words has a fixed address.
struct ConditionEmitter {
  /// More operations, or a deeper stack, and the condition is left to whoever set it.
  static let operationCountMax = 64
  static let depthMax = 24

  private let program: ConditionProgram
  /// Before each operation; nil for one that is never come to.
  private let depths: [Int?]

  /// Nil for a program that this can't write.
  init?(_ program: ConditionProgram) {
    guard !program.operations.isEmpty, program.operations.count <= Self.operationCountMax,
      let depths = Self.depths(program)
    else { return nil }
    self.program = program
    self.depths = depths
  }

  private static func depths(_ program: ConditionProgram) -> [Int?]? {
    let count = program.operations.count
    var depths = [Int?](repeating: nil, count: count + 1)
    depths[0] = 0
    func meet(_ index: Int, _ depth: Int) -> Bool {
      guard index <= count, depths[index] == nil || depths[index] == depth else { return false }
      depths[index] = depth
      return true
    }
    for (index, operation) in program.operations.enumerated() {
      guard let depth = depths[index] else { continue }
      let (taken, given) = operation.effect
      guard depth >= taken, depth - taken + given <= depthMax else { return nil }
      let next = depth - taken + given
      switch operation {
      case .jump(let target):
        guard target > index, meet(target, next) else { return nil }
      case .jumpIf(let target):
        guard target > index, meet(target, next), meet(index + 1, next) else { return nil }
      default:
        guard meet(index + 1, next) else { return nil }
      }
    }
    guard let last = depths[count], last > 0 else { return nil }
    return depths
  }

  /// Writes the code in front of the trap. Returns where the branch is that passes by it, to be settled by `settle`.
  func emit(_ writer: inout CodeWriter) -> Int {
    save(&writer)
    var targets: [(field: Int, index: Int)] = []
    var offsets = [Int](repeating: 0, count: depths.count)
    for (index, operation) in program.operations.enumerated() {
      offsets[index] = writer.offset
      guard let depth = depths[index] else { continue }
      emit(operation, depth, &writer, &targets)
    }
    offsets[program.operations.count] = writer.offset
    for target in targets { Self.settle(target.field, to: offsets[target.index], &writer) }
    load(.rax, (depths.last ?? nil) ?? 1, &writer)
    // test rax, rax; jz
    code([0x48, 0x85, 0xC0, 0x0F, 0x84], &writer)
    let field = writer.offset
    writer.dword(0)
    restore(&writer)
    return field
  }

  /// Writes the code behind the trap: those who come from it pass by the restoring, the others don't.
  func settle(_ field: Int, _ writer: inout CodeWriter) {
    code([0xE9], &writer)
    let past = writer.offset
    writer.dword(0)
    Self.settle(field, to: writer.offset, &writer)
    restore(&writer)
    Self.settle(past, to: writer.offset, &writer)
  }

  private static func settle(_ field: Int, to target: Int, _ writer: inout CodeWriter) {
    let distance = Int32(target - (field + 4))
    UnsafeMutableRawPointer(writer.memory + field).storeBytes(of: distance, as: Int32.self)
  }

  /// The registers that the code has changed are the application's again: for one that has faulted within.
  static func recover(_ registers: inout Registers, _ dataPage: UnsafeMutableRawPointer) {
    func saved(_ index: Int) -> UInt64 {
      dataPage.load(fromByteOffset: RuntimeLayout.conditionOffset + 8 * index, as: UInt64.self)
    }
    registers.rax = saved(0)
    registers.rcx = saved(2)
    registers.rdx = saved(3)
    // As lahf and seto have put them into ax.
    let overflow: UInt64 = 0x800
    let low = saved(1) >> 8 & 0xd5
    registers.eflags = registers.eflags & ~(0xd5 | overflow) | low | (saved(1) & 1 != 0 ? overflow : 0)
  }

  // MARK: - Code

  private static let savedCount = 4
  private func slot(_ index: Int) -> UInt32 {
    UInt32(RuntimeLayout.dataPageAddress) + UInt32(RuntimeLayout.conditionOffset + 8 * index)
  }

  private func code(_ bytes: [UInt8], _ writer: inout CodeWriter) {
    for byte in bytes { writer.byte(byte) }
  }

  private func save(_ writer: inout CodeWriter) {
    writer.store(.rax, absolute: slot(0))
    // lahf; seto al
    code([0x9F, 0x0F, 0x90, 0xC0], &writer)
    writer.store(.rax, absolute: slot(1))
    writer.store(.rcx, absolute: slot(2))
    writer.store(.rdx, absolute: slot(3))
  }

  private func restore(_ writer: inout CodeWriter) {
    writer.load(.rdx, absolute: slot(3))
    writer.load(.rcx, absolute: slot(2))
    writer.load(.rax, absolute: slot(1))
    // add al, 0x7f overflows if al is 1; sahf
    code([0x04, 0x7F, 0x9E], &writer)
    writer.load(.rax, absolute: slot(0))
  }

  /// The word that is the `depth`-th of the stack, counted from 1.
  private func load(_ register: GeneralRegister, _ depth: Int, _ writer: inout CodeWriter) {
    writer.load(register, absolute: slot(Self.savedCount + depth - 1))
  }

  private func store(_ register: GeneralRegister, _ depth: Int, _ writer: inout CodeWriter) {
    writer.store(register, absolute: slot(Self.savedCount + depth - 1))
  }

  private func emit(
    _ operation: ConditionProgram.Operation, _ depth: Int, _ writer: inout CodeWriter,
    _ targets: inout [(field: Int, index: Int)]
  ) {
    switch operation {
    case .constant(let value):
      writer.move(.rax, immediate: value)
      store(.rax, depth + 1, &writer)
    case .register(let register):
      switch register {
      case .rax: writer.load(.rax, absolute: slot(0))
      case .rcx: writer.load(.rax, absolute: slot(2))
      case .rdx: writer.load(.rax, absolute: slot(3))
      default: return store(register, depth + 1, &writer)
      }
      store(.rax, depth + 1, &writer)
    case .pop: break
    case .duplicate:
      load(.rax, depth, &writer)
      store(.rax, depth + 1, &writer)
    case .swap:
      load(.rax, depth, &writer)
      load(.rcx, depth - 1, &writer)
      store(.rax, depth - 1, &writer)
      store(.rcx, depth, &writer)
    case .jump(let target):
      code([0xE9], &writer)
      targets.append((writer.offset, target))
      writer.dword(0)
    case .jumpIf(let target):
      load(.rax, depth, &writer)
      code([0x48, 0x85, 0xC0, 0x0F, 0x85], &writer)
      targets.append((writer.offset, target))
      writer.dword(0)
    default:
      let taken = operation.effect.taken
      load(.rax, depth - taken + 1, &writer)
      if taken == 2 { load(.rcx, depth, &writer) }
      code(operation.machineCode, &writer)
      store(.rax, depth - taken + 1, &writer)
    }
  }
}

extension ConditionProgram.Operation {
  /// How many words it takes from the stack, and gives to it.
  fileprivate var effect: (taken: Int, given: Int) {
    switch self {
    case .constant, .register: (0, 1)
    case .load, .not, .logicalNot, .signExtend, .zeroExtend: (1, 1)
    case .add, .subtract, .multiply, .and, .or, .exclusiveOr, .equal, .lessSigned, .lessUnsigned: (2, 1)
    case .duplicate: (1, 2)
    case .pop, .jumpIf: (1, 0)
    case .swap: (2, 2)
    case .jump: (0, 0)
    }
  }

  /// From rax, and rcx where there are two words, to rax.
  fileprivate var machineCode: [UInt8] {
    /// cmp rax, rcx and setcc, by way of rdx
    func comparison(_ condition: UInt8) -> [UInt8] {
      [0x31, 0xD2, 0x48, 0x39, 0xC8, 0x0F, condition, 0xC2, 0x48, 0x89, 0xD0]
    }
    switch self {
    case .load(let byteCount):
      switch byteCount {
      case 1: return [0x0F, 0xB6, 0x00]
      case 2: return [0x0F, 0xB7, 0x00]
      case 4: return [0x8B, 0x00]
      default: return [0x48, 0x8B, 0x00]
      }
    case .add: return [0x48, 0x01, 0xC8]
    case .subtract: return [0x48, 0x29, 0xC8]
    case .multiply: return [0x48, 0x0F, 0xAF, 0xC1]
    case .and: return [0x48, 0x21, 0xC8]
    case .or: return [0x48, 0x09, 0xC8]
    case .exclusiveOr: return [0x48, 0x31, 0xC8]
    case .not: return [0x48, 0xF7, 0xD0]
    // xor edx, edx; test rax, rax; sete dl; mov rax, rdx
    case .logicalNot: return [0x31, 0xD2, 0x48, 0x85, 0xC0, 0x0F, 0x94, 0xC2, 0x48, 0x89, 0xD0]
    case .equal: return comparison(0x94)
    case .lessSigned: return comparison(0x9C)
    case .lessUnsigned: return comparison(0x92)
    case .signExtend(let bits):
      let shift = UInt8(64 - bits)
      return [0x48, 0xC1, 0xE0, shift, 0x48, 0xC1, 0xF8, shift]
    case .zeroExtend(let bits):
      let shift = UInt8(64 - bits)
      return [0x48, 0xC1, 0xE0, shift, 0x48, 0xC1, 0xE8, shift]
    case .constant, .register, .duplicate, .pop, .swap, .jumpIf, .jump: return []
    }
  }
}
