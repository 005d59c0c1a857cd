import Debugging
import Execution
import KernelABI
import RemoteProtocol
import X86

/// A condition of gdb's.
struct AgentCondition: StopCondition {
  private let expression: AgentExpression
  private let registerFile: RegisterFile

  init(_ bytes: [UInt8], _ registerFile: RegisterFile) {
    expression = AgentExpression(bytes)
    self.registerFile = registerFile
  }

  var identity: [UInt8] { expression.bytes }

  func holds(_ registers: Registers, _ read: (_ address: UInt64, _ count: Int) -> [UInt8]?) -> Bool {
    expression.evaluate(register: { registerFile.generalValue($0, registers) }, read: read) != 0
  }

  /// The registers by gdb's numbers: those of the target description's first feature.
  private static let registers: [GeneralRegister] = [
    .rax, .rbx, .rcx, .rdx, .rsi, .rdi, .rbp, .rsp, .r8, .r9, .r10, .r11, .r12, .r13, .r14, .r15,
  ]

  var program: ConditionProgram? {
    guard let instructions = expression.instructions else { return nil }
    let end = instructions.firstIndex { $0.operation == .end }
    // Jumps lead forwards, and to operations before the one end there is.
    guard let end, end == instructions.count - 1 else { return nil }
    var operations: [ConditionProgram.Operation] = []
    for instruction in instructions[..<end] {
      guard let operation = Self.operation(instruction, instructions) else { return nil }
      operations.append(operation)
    }
    return ConditionProgram(operations)
  }

  private static func operation(
    _ instruction: AgentExpression.Instruction, _ all: [AgentExpression.Instruction]
  ) -> ConditionProgram.Operation? {
    let operand = instruction.operand
    func target() -> Int? { all.firstIndex { $0.offset == Int(operand) } }
    switch instruction.operation {
    case .const8, .const16, .const32, .const64: return .constant(operand)
    case .register: return operand < registers.count ? .register(registers[Int(operand)]) : nil
    case .ref8: return .load(byteCount: 1)
    case .ref16: return .load(byteCount: 2)
    case .ref32: return .load(byteCount: 4)
    case .ref64: return .load(byteCount: 8)
    case .add: return .add
    case .subtract: return .subtract
    case .multiply: return .multiply
    case .and: return .and
    case .or: return .or
    case .exclusiveOr: return .exclusiveOr
    case .not: return .not
    case .logicalNot: return .logicalNot
    case .equal: return .equal
    case .lessSigned: return .lessSigned
    case .lessUnsigned: return .lessUnsigned
    case .signExtend: return (1...64).contains(operand) ? .signExtend(bits: Int(operand)) : nil
    case .zeroExtend: return (1...64).contains(operand) ? .zeroExtend(bits: Int(operand)) : nil
    case .duplicate: return .duplicate
    case .pop: return .pop
    case .swap: return .swap
    case .ifGoto: return target().map { .jumpIf($0) }
    case .goto: return target().map { .jump($0) }
    default: return nil
    }
  }
}
