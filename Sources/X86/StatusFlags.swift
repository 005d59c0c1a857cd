/// The six status flags of EFLAGS, each in a bit of its own choosing so that a set fits into one byte.
///
/// The direction flag and the system flags aren't among them: nothing the translator inserts changes those.
package struct StatusFlags: OptionSet, Sendable, BitwiseCopyable {
  package let rawValue: UInt8

  @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let carry = StatusFlags(rawValue: 1)
  package static let parity = StatusFlags(rawValue: 2)
  package static let adjust = StatusFlags(rawValue: 4)
  package static let zero = StatusFlags(rawValue: 8)
  package static let sign = StatusFlags(rawValue: 16)
  package static let overflow = StatusFlags(rawValue: 32)

  /// How many there are.
  static let count = 6

  package static var none: StatusFlags { .init(rawValue: 0) }
  package static var all: StatusFlags { .init(rawValue: 63) }
  /// What `inc` and `dec` write.
  package static let allButCarry = StatusFlags(rawValue: 62)

  /// The status flags at their places in EFLAGS (Intel SDM volume 1, figure 3-8).
  package static let eflagsMask: UInt32 = 0x8D5

  /// The flags whose bits are set in `eflags`; other bits of it are ignored.
  package init(eflags: UInt32) {
    var bits = UInt8(truncatingIfNeeded: eflags & 1)
    bits |= UInt8(truncatingIfNeeded: (eflags >> 1) & 2)
    bits |= UInt8(truncatingIfNeeded: (eflags >> 2) & 4)
    bits |= UInt8(truncatingIfNeeded: (eflags >> 3) & 24)
    bits |= UInt8(truncatingIfNeeded: (eflags >> 6) & 32)
    self.init(rawValue: bits)
  }

  /// The flags' bits at their places in EFLAGS.
  package var eflags: UInt32 {
    let bits = UInt32(rawValue)
    return bits & 1 | (bits & 2) << 1 | (bits & 4) << 2 | (bits & 24) << 3 | (bits & 32) << 6
  }

  /// The flags that the condition in the low four bits of a `jcc`, `setcc` or `cmovcc` opcode reads.
  package static func read(byCondition condition: UInt8) -> StatusFlags {
    switch (condition & 0xF) >> 1 {
    case 0: .overflow
    case 1: .carry
    case 2: .zero
    case 3: [.carry, .zero]
    case 4: .sign
    case 5: .parity
    case 6: [.sign, .overflow]
    default: [.sign, .overflow, .zero]
    }
  }
}
