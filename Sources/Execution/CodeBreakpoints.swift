package import X86

/// The addresses before which application code stops, and under what conditions.
package final class CodeBreakpoints: Equatable, Sendable {
  /// Nil: always, or whoever set it looks at the condition himself.
  package let conditions: [UInt64: ConditionProgram?]

  package init(_ conditions: [UInt64: ConditionProgram?] = [:]) { self.conditions = conditions }

  package convenience init(_ addresses: Set<UInt64>) {
    self.init(Dictionary(uniqueKeysWithValues: addresses.map { ($0, nil) }))
  }

  package static let none = CodeBreakpoints()

  package var isEmpty: Bool { conditions.isEmpty }
  package func contains(_ address: UInt64) -> Bool { conditions.index(forKey: address) != nil }

  package static func == (a: CodeBreakpoints, b: CodeBreakpoints) -> Bool { a === b || a.conditions == b.conditions }

  /// The addresses that one of the two has, or that the two have with other conditions.
  package func differences(from other: CodeBreakpoints) -> [UInt64] {
    Set(conditions.keys).union(other.conditions.keys).filter { conditions[$0] != other.conditions[$0] }
  }
}

/// A condition over a thread's registers and memory, as a program for a stack of 64-bit words. It is simple enough for
/// translated code to evaluate it without a stop; the value on top of the stack at the end decides.
package struct ConditionProgram: Equatable, Sendable {
  package enum Operation: Equatable, Sendable {
    case constant(UInt64)
    case register(GeneralRegister)
    /// Replaces an address by what is there: 1, 2, 4 or 8 bytes, with zeros above. Memory that isn't mapped makes the
    /// condition hold.
    case load(byteCount: Int)
    case add, subtract, multiply, and, or, exclusiveOr, not, logicalNot
    case equal, lessSigned, lessUnsigned
    /// From its lower bits, 1 to 64.
    case signExtend(bits: Int)
    case zeroExtend(bits: Int)
    case duplicate, pop, swap
    /// To the operation at this index, which is a later one; the first takes a word and jumps if it isn't zero.
    case jumpIf(Int)
    case jump(Int)
  }

  package var operations: [Operation]

  package init(_ operations: [Operation]) { self.operations = operations }
}
