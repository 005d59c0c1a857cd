/// The attributes of the opcodes that the decoder's fast path knows: the one-byte map and the 0F map, without the
/// opcodes that are rare or whose meaning depends on more than prefixes and ModRM.
///
/// An entry's low byte is its form; then six bits of flags read, and six of flags killed.
enum OpcodeTable {
  static let known: UInt32 = 1
  static let hasModRM: UInt32 = 2
  /// The size of the immediate operand.
  static let immediate8: UInt32 = 4
  static let immediate16Or32: UInt32 = 8
  static let immediateFull: UInt32 = 16
  /// The ModRM byte's register field selects among instructions that differ in more than the operation.
  static let isGroup: UInt32 = 32
  /// Changes the flow of control.
  static let isTransfer: UInt32 = 64

  static func reads(_ entry: UInt32) -> StatusFlags { StatusFlags(rawValue: UInt8(truncatingIfNeeded: entry >> 8)) }
  static func kills(_ entry: UInt32) -> StatusFlags { StatusFlags(rawValue: UInt8(truncatingIfNeeded: entry >> 16)) }

  private static func entry(
    _ form: UInt32, reads: StatusFlags = .none, kills: StatusFlags = .none
  ) -> UInt32 {
    known | form | UInt32(reads.rawValue) << 8 | UInt32(kills.rawValue) << 16
  }

  private static func set(_ table: inout [UInt32], _ opcodes: ClosedRange<Int>, _ value: UInt32) {
    for opcode in opcodes { table[opcode] = value }
  }

  /// Both maps, the one-byte map first.
  static func make() -> [UInt32] { oneByteMap() + twoByteMap() }

  private static func oneByteMap() -> [UInt32] {
    var table = [UInt32](repeating: 0, count: 256)
    for operation in 0..<8 {
      // adc and sbb read the carry. The logical operations leave AF undefined by the manual; the processors clear it.
      let reads: StatusFlags = operation == 2 || operation == 3 ? .carry : .none
      let base = operation * 8
      set(&table, base...(base + 3), entry(hasModRM, reads: reads, kills: .all))
      table[base + 4] = entry(immediate8, reads: reads, kills: .all)
      table[base + 5] = entry(immediate16Or32, reads: reads, kills: .all)
    }
    set(&table, 0x50...0x5F, entry(0))
    table[0x63] = entry(hasModRM)
    table[0x68] = entry(immediate16Or32)
    table[0x69] = entry(hasModRM | immediate16Or32, kills: [.carry, .overflow])
    table[0x6A] = entry(immediate8)
    table[0x6B] = entry(hasModRM | immediate8, kills: [.carry, .overflow])
    for condition in 0..<16 {
      let reads = StatusFlags.read(byCondition: UInt8(condition))
      table[0x70 + condition] = entry(immediate8 | isTransfer, reads: reads)
    }
    table[0x80] = entry(hasModRM | immediate8 | isGroup)
    table[0x81] = entry(hasModRM | immediate16Or32 | isGroup)
    table[0x83] = entry(hasModRM | immediate8 | isGroup)
    set(&table, 0x84...0x85, entry(hasModRM, kills: .all))
    set(&table, 0x86...0x8B, entry(hasModRM))
    table[0x8D] = entry(hasModRM)
    set(&table, 0x90...0x99, entry(0))
    table[0xA8] = entry(immediate8, kills: .all)
    table[0xA9] = entry(immediate16Or32, kills: .all)
    set(&table, 0xB0...0xB7, entry(immediate8))
    set(&table, 0xB8...0xBF, entry(immediateFull))
    set(&table, 0xC0...0xC1, entry(hasModRM | immediate8 | isGroup))
    table[0xC3] = entry(isTransfer)
    table[0xC6] = entry(hasModRM | immediate8 | isGroup)
    table[0xC7] = entry(hasModRM | immediate16Or32 | isGroup)
    table[0xC9] = entry(0)
    set(&table, 0xD0...0xD3, entry(hasModRM | isGroup))
    table[0xE8] = entry(immediate16Or32 | isTransfer)
    table[0xE9] = entry(immediate16Or32 | isTransfer)
    table[0xEB] = entry(immediate8 | isTransfer)
    set(&table, 0xF6...0xF7, entry(hasModRM | isGroup))
    set(&table, 0xFE...0xFF, entry(hasModRM | isGroup))
    return table
  }

  private static func twoByteMap() -> [UInt32] {
    var table = [UInt32](repeating: 0, count: 256)
    set(&table, 0x10...0x17, entry(hasModRM))
    set(&table, 0x18...0x1F, entry(hasModRM))
    set(&table, 0x28...0x2D, entry(hasModRM))
    set(&table, 0x2E...0x2F, entry(hasModRM, kills: .all))
    set(&table, 0x50...0x6F, entry(hasModRM))
    set(&table, 0x70...0x73, entry(hasModRM | immediate8))
    set(&table, 0x74...0x76, entry(hasModRM))
    set(&table, 0x7E...0x7F, entry(hasModRM))
    for condition in 0..<16 {
      let reads = StatusFlags.read(byCondition: UInt8(condition))
      table[0x40 + condition] = entry(hasModRM, reads: reads)
      table[0x80 + condition] = entry(immediate16Or32 | isTransfer, reads: reads)
      table[0x90 + condition] = entry(hasModRM, reads: reads)
    }
    for opcode in [0xA3, 0xAB, 0xB3, 0xBB] { table[opcode] = entry(hasModRM, kills: .carry) }
    table[0xAF] = entry(hasModRM, kills: [.carry, .overflow])
    set(&table, 0xB0...0xB1, entry(hasModRM, kills: .all))
    set(&table, 0xB6...0xB7, entry(hasModRM))
    table[0xBA] = entry(hasModRM | immediate8 | isGroup)
    set(&table, 0xBE...0xBF, entry(hasModRM))
    set(&table, 0xC0...0xC1, entry(hasModRM, kills: .all))
    table[0xC2] = entry(hasModRM | immediate8)
    table[0xC3] = entry(hasModRM)
    set(&table, 0xC4...0xC6, entry(hasModRM | immediate8))
    set(&table, 0xC8...0xCF, entry(0))
    set(&table, 0xD1...0xFE, entry(hasModRM))
    return table
  }
}
