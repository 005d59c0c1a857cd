/// A breakpoint's condition as gdb compiles it, for a small stack machine.
///
/// GDB manual, "The GDB Agent Expression Mechanism".
/// Whatever can't be evaluated (tracing, floating point, unmapped memory, an expression that doesn't end) has no value.
package struct AgentExpression: Equatable, Sendable {
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package static let stackDepthMax = 100
  /// gdb's conditions have no loops; a hostile one may.
  package static let stepCountMax = 10_000

  /// The value on top of the stack at `end`.
  package func evaluate(
    register: (Int) -> UInt64?, read: (_ address: UInt64, _ count: Int) -> [UInt8]?
  ) -> UInt64? {
    var machine = AgentMachine(code: bytes)
    for _ in 0..<Self.stepCountMax {
      guard let operation = machine.byte().flatMap(AgentMachine.Operation.init) else { return nil }
      switch operation {
      case .end: return machine.stack.last
      case .register:
        guard let number = machine.operand(2), let value = register(Int(number)) else { return nil }
        guard machine.push(value) else { return nil }
      case .ref8, .ref16, .ref32, .ref64:
        let count = 1 << Int(operation.rawValue - AgentMachine.Operation.ref8.rawValue)
        guard let address = machine.pop(), let bytes = read(address, count), bytes.count == count else { return nil }
        guard machine.push(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }) else { return nil }
      default:
        guard machine.execute(operation) else { return nil }
      }
    }
    return nil
  }

  /// An operation with its operand, and where it begins in the bytes.
  package struct Instruction: Equatable, Sendable {
    package var offset: Int
    package var operation: AgentMachine.Operation
    package var operand: UInt64
  }

  /// The operations as they stand in the bytes, up to the last `end`; nil where one is unknown or cut short.
  package var instructions: [Instruction]? {
    var result: [Instruction] = []
    var index = 0
    while index < bytes.count {
      guard let operation = AgentMachine.Operation(rawValue: bytes[index]) else { return nil }
      let end = index + 1 + operation.operandByteCount
      guard end <= bytes.count else { return nil }
      let operand = bytes[(index + 1)..<end].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      result.append(Instruction(offset: index, operation: operation, operand: operand))
      index = end
    }
    return result
  }
}

extension AgentMachine.Operation {
  fileprivate var operandByteCount: Int {
    switch self {
    case .signExtend, .zeroExtend, .const8, .pick: 1
    case .ifGoto, .goto, .const16, .register: 2
    case .const32: 4
    case .const64: 8
    default: 0
    }
  }
}

/// The machine's state, and the operations that need nothing else. Each answers whether it could be done.
package struct AgentMachine {
  /// Opcodes that conditions may have. GDB manual, "Bytecode Descriptions".
  package enum Operation: UInt8, Sendable {
    case add = 0x02, subtract, multiply, divideSigned, divideUnsigned, remainderSigned, remainderUnsigned
    case shiftLeft = 0x09, shiftRightSigned, shiftRightUnsigned
    case logicalNot = 0x0e, and, or, exclusiveOr, not, equal, lessSigned, lessUnsigned
    case signExtend = 0x16, ref8, ref16, ref32, ref64
    case ifGoto = 0x20, goto, const8, const16, const32, const64, register, end, duplicate, pop, zeroExtend, swap
    case pick = 0x32, rotate
  }

  private let code: [UInt8]
  private var index = 0
  private(set) var stack: [UInt64] = []

  init(code: [UInt8]) { self.code = code }

  mutating func byte() -> UInt8? {
    guard index < code.count else { return nil }
    defer { index += 1 }
    return code[index]
  }

  /// Operands in the code have their high byte first.
  mutating func operand(_ count: Int) -> UInt64? {
    guard count <= code.count - index else { return nil }
    defer { index += count }
    return code[index..<index + count].reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func pop() -> UInt64? { stack.popLast() }

  mutating func push(_ value: UInt64) -> Bool {
    guard stack.count < AgentExpression.stackDepthMax else { return false }
    stack.append(value)
    return true
  }

  mutating func execute(_ operation: Operation) -> Bool {
    switch operation {
    case .add, .subtract, .multiply, .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned, .shiftLeft,
      .shiftRightSigned, .shiftRightUnsigned, .and, .or, .exclusiveOr, .equal, .lessSigned, .lessUnsigned:
      guard let b = pop(), let a = pop(), let value = Self.combine(operation, a, b) else { return false }
      return push(value)
    case .logicalNot: return replaceTop { $0 == 0 ? 1 : 0 }
    case .not: return replaceTop { ~$0 }
    case .signExtend, .zeroExtend:
      guard let bits = byte(), (1...64).contains(bits) else { return false }
      let shift = 64 - UInt64(bits)
      if operation == .zeroExtend { return replaceTop { ($0 << shift) >> shift } }
      return replaceTop { UInt64(bitPattern: Int64(bitPattern: $0 << shift) >> Int64(shift)) }
    case .ifGoto, .goto:
      guard let target = operand(2) else { return false }
      if operation == .ifGoto {
        guard let condition = pop() else { return false }
        if condition == 0 { return true }
      }
      index = Int(target)
      return true
    case .const8: return pushOperand(1)
    case .const16: return pushOperand(2)
    case .const32: return pushOperand(4)
    case .const64: return pushOperand(8)
    case .duplicate: return pick(0)
    case .pick: return byte().map { pick(Int($0)) } ?? false
    case .pop: return pop() != nil
    case .swap:
      guard stack.count >= 2 else { return false }
      stack.swapAt(stack.count - 1, stack.count - 2)
      return true
    case .rotate:
      // a b c => c a b
      guard stack.count >= 3, let top = pop() else { return false }
      stack.insert(top, at: stack.count - 2)
      return true
    case .end, .register, .ref8, .ref16, .ref32, .ref64: return false
    }
  }

  private mutating func replaceTop(_ transform: (UInt64) -> UInt64) -> Bool {
    guard let top = pop() else { return false }
    return push(transform(top))
  }

  private mutating func pushOperand(_ count: Int) -> Bool { operand(count).map { push($0) } ?? false }

  /// Copies the value that lies `depth` below the top.
  private mutating func pick(_ depth: Int) -> Bool {
    guard depth < stack.count else { return false }
    return push(stack[stack.count - 1 - depth])
  }

  private static func combine(_ operation: Operation, _ a: UInt64, _ b: UInt64) -> UInt64? {
    let signedA = Int64(bitPattern: a)
    let signedB = Int64(bitPattern: b)
    return switch operation {
    case .add: a &+ b
    case .subtract: a &- b
    case .multiply: a &* b
    // The most negative number divided by -1 overflows to itself.
    case .divideSigned: b == 0 ? nil : UInt64(bitPattern: signedA.dividedReportingOverflow(by: signedB).partialValue)
    case .divideUnsigned: b == 0 ? nil : a / b
    case .remainderSigned:
      b == 0 ? nil : UInt64(bitPattern: signedA.remainderReportingOverflow(dividingBy: signedB).partialValue)
    case .remainderUnsigned: b == 0 ? nil : a % b
    case .shiftLeft: a << b
    case .shiftRightSigned: UInt64(bitPattern: signedA >> b)
    case .shiftRightUnsigned: a >> b
    case .and: a & b
    case .or: a | b
    case .exclusiveOr: a ^ b
    case .equal: a == b ? 1 : 0
    case .lessSigned: signedA < signedB ? 1 : 0
    case .lessUnsigned: a < b ? 1 : 0
    default: nil
    }
  }
}
