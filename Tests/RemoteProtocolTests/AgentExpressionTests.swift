import RemoteProtocol
import Testing

/// Each operation, as the chapter "The GDB Agent Expression Mechanism" defines it.
@Suite struct AgentExpressionTests {
  static let memory: [UInt64: [UInt8]] = [0x1000: [0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x87]]

  static func value(_ bytes: [UInt8]) -> UInt64? {
    AgentExpression(bytes).evaluate(
      register: { $0 < 300 ? UInt64($0) * 0x10 : nil },
      read: { address, count in memory[address].map { Array($0.prefix(count)) } })
  }

  /// Constants of eight bytes, then operations, then `end`.
  static func code(_ constants: [Int64], _ operations: [UInt8]) -> [UInt8] {
    constants.flatMap { constant in
      [0x25] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: constant >> Int64($0 * 8)) }
    } + operations + [0x27]
  }

  static let rows: [(name: String, constants: [Int64], operations: [UInt8], result: Int64?)] = [
    ("add", [2, -3], [0x02], -1), ("add wraps", [.max, 1], [0x02], .min),
    ("sub", [2, 5], [0x03], -3), ("mul", [-4, 5], [0x04], -20), ("mul wraps", [.max, 2], [0x04], -2),
    ("div_signed", [-7, 2], [0x05], -3), ("div_signed by 0", [1, 0], [0x05], nil),
    ("div_signed overflow", [.min, -1], [0x05], .min),
    ("div_unsigned", [-2, 2], [0x06], .max), ("div_unsigned by 0", [1, 0], [0x06], nil),
    ("rem_signed", [-7, 2], [0x07], -1), ("rem_signed by 0", [1, 0], [0x07], nil), ("rem_signed overflow", [.min, -1], [0x07], 0),
    ("rem_unsigned", [-1, 10], [0x08], 5), ("rem_unsigned by 0", [1, 0], [0x08], nil),
    ("lsh", [3, 4], [0x09], 48), ("lsh far", [1, 64], [0x09], 0), ("lsh very far", [1, -1], [0x09], 0),
    ("rsh_signed", [-16, 2], [0x0a], -4), ("rsh_signed far", [-16, 100], [0x0a], -1),
    ("rsh_unsigned", [-1, 60], [0x0b], 15), ("rsh_unsigned far", [-1, 64], [0x0b], 0),
    ("log_not 0", [0], [0x0e], 1), ("log_not 5", [5], [0x0e], 0),
    ("bit_and", [12, 10], [0x0f], 8), ("bit_or", [12, 10], [0x10], 14), ("bit_xor", [12, 10], [0x11], 6),
    ("bit_not", [0], [0x12], -1),
    ("equal", [3, 3], [0x13], 1), ("not equal", [3, 4], [0x13], 0),
    ("less_signed", [-1, 1], [0x14], 1), ("not less_signed", [1, 1], [0x14], 0),
    ("less_unsigned", [-1, 1], [0x15], 0), ("less_unsigned", [1, -1], [0x15], 1),
    ("ext 8", [0x1ff], [0x16, 8], -1), ("ext 8 positive", [0x17f], [0x16, 8], 0x7f), ("ext 64", [-5], [0x16, 64], -5),
    ("ext 0", [1], [0x16, 0], nil), ("ext 65", [1], [0x16, 65], nil),
    ("zero_ext 8", [-1], [0x2a, 8], 255), ("zero_ext 64", [-1], [0x2a, 64], -1), ("zero_ext 0", [1], [0x2a, 0], nil),
    ("ref8", [0x1000], [0x17], 0x80), ("ref16", [0x1000], [0x18], 0x0180), ("ref32", [0x1000], [0x19], 0x0302_0180),
    ("ref64", [0x1000], [0x1a], Int64(bitPattern: 0x8706_0504_0302_0180)), ("ref unmapped", [0x2000], [0x17], nil),
    ("dup", [3], [0x28, 0x02], 6), ("pop", [3, 4], [0x29], 3), ("swap", [3, 4], [0x2b, 0x03], 1),
    ("pick 0", [3, 4], [0x32, 0], 4), ("pick 1", [3, 4], [0x32, 1], 3), ("pick too deep", [3, 4], [0x32, 2], nil),
    // a b c => c a b: b is on top, a below, c below that.
    ("rot top", [1, 2, 3], [0x33], 2), ("rot second", [1, 2, 3], [0x33, 0x29], 1),
    ("rot third", [1, 2, 3], [0x33, 0x29, 0x29], 3),
    ("rot of two", [1, 2], [0x33], nil),
    ("float", [1], [0x01, 0x02], nil), ("trace", [1, 1], [0x0c], nil), ("trace_quick", [1], [0x0d, 1], nil),
    ("trace16", [1], [0x30, 0, 1], nil), ("ref_float", [0x1000], [0x1b], nil), ("l_to_d", [1], [0x1e], nil),
    ("getv", [], [0x2c, 0, 1], nil), ("setv", [1], [0x2d, 0, 1], nil), ("printf", [1], [0x34, 0], nil),
    ("unknown", [1], [0xff], nil),
    ("add to nothing", [1], [0x02], nil), ("dup of nothing", [], [0x28], nil), ("swap of one", [1], [0x2b], nil),
    ("log_not of nothing", [], [0x0e], nil), ("empty stack", [], [], nil),
  ]

  @Test(arguments: rows.indices) func operation(_ index: Int) {
    let row = Self.rows[index]
    #expect(Self.value(Self.code(row.constants, row.operations)).map { Int64(bitPattern: $0) } == row.result, "\(row.name)")
  }

  @Test func constantsAndRegisters() {
    #expect(Self.value([0x22, 0xfe, 0x27]) == 0xfe)
    #expect(Self.value([0x23, 0xfe, 0x01, 0x27]) == 0xfe01)
    #expect(Self.value([0x24, 1, 2, 3, 4, 0x27]) == 0x0102_0304)
    #expect(Self.value([0x26, 0, 16, 0x27]) == 0x100)
    #expect(Self.value([0x26, 1, 0, 0x27]) == 0x1000)
    #expect(Self.value([0x26, 2, 0, 0x27]) == nil)
    #expect(Self.value([0x24, 1, 2, 3]) == nil)
    #expect(Self.value([0x22, 1]) == nil, "without end")
    #expect(Self.value([]) == nil)
  }

  @Test func jumps() {
    // if (1) 7 else 9
    #expect(Self.value([0x22, 1, 0x20, 0, 8, 0x22, 9, 0x27, 0x22, 7, 0x27]) == 7)
    #expect(Self.value([0x22, 0, 0x20, 0, 8, 0x22, 9, 0x27, 0x22, 7, 0x27]) == 9)
    #expect(Self.value([0x21, 0, 4, 0xff, 0x22, 7, 0x27]) == 7)
    #expect(Self.value([0x21, 0xff, 0xff]) == nil)
    #expect(Self.value([0x21, 0, 0]) == nil, "a loop without end")
    #expect(Self.value([0x22, 1, 0x21, 0, 0]) == nil, "a stack without end")
  }
}
