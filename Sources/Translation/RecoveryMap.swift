package import X86

/// How the application's state follows from the processor's at a place in the cache.
package enum RecoveryRecipe: Equatable, Sendable {
  /// All registers are the application's.
  case plain
  /// One register's application value is in the spill slot; the others are the application's.
  case spilled(GeneralRegister)
  /// Between the `syscall` instruction and the one that gives rcx the application's return address.
  case afterSystemCall
  /// A transfer has begun and can't be told from here where it ends: the state is clean again at its target.
  case inTransfer
}

/// Where an address in the cache belongs in the application.
package struct RecoveryPoint: Equatable, Sendable {
  /// The application instruction that is being executed, or, at its start, is about to be.
  package var applicationAddress: UInt64
  package var recipe: RecoveryRecipe
  /// Whether the address is the very start of the translation of `applicationAddress`.
  package var isStart: Bool
  /// Whether that translation has been dropped.
  package var isStale: Bool
}

/// From a cache offset to the application instruction and the recipe, for one zone: two flat arrays, sorted because
/// code is only ever appended.
struct RecoveryMap: ~Copyable {
  private var offsetMemory = GrowingMemory<UInt32>(minimumCapacity: 1024)
  private var valueMemory = GrowingMemory<UInt64>(minimumCapacity: 1024)
  private(set) var count = 0

  /// A value's upper byte: the recipe in the low six bits, and these two.
  private static let startBit: UInt64 = 1 << 63
  private static let staleBit: UInt64 = 1 << 62
  private static let addressMask: UInt64 = (1 << 56) - 1

  init() {}

  init(copying other: borrowing RecoveryMap) {
    offsetMemory = GrowingMemory(minimumCapacity: other.offsetMemory.capacity)
    valueMemory = GrowingMemory(minimumCapacity: other.valueMemory.capacity)
    count = other.count
    offsets.update(from: other.offsets, count: count)
    values.update(from: other.values, count: count)
  }

  private var offsets: UnsafeMutablePointer<UInt32> { offsetMemory.start }
  private var values: UnsafeMutablePointer<UInt64> { valueMemory.start }

  var byteCount: Int { offsetMemory.capacity * 4 + valueMemory.capacity * 8 }

  @inline(__always)
  mutating func appendStart(_ offset: Int, _ address: UInt64) {
    append(offset, address | Self.startBit)
  }

  mutating func append(_ offset: Int, _ address: UInt64, _ recipe: RecoveryRecipe) {
    append(offset, address | UInt64(Self.encode(recipe)) << 56)
  }

  @inline(__always)
  private mutating func append(_ offset: Int, _ value: UInt64) {
    if count == offsetMemory.capacity { offsetMemory.grow() }
    if count == valueMemory.capacity { valueMemory.grow() }
    offsets[count] = UInt32(truncatingIfNeeded: offset)
    values[count] = value
    count += 1
  }

  /// What `offset` belongs to; nil before the first entry.
  func point(at offset: Int) -> RecoveryPoint? {
    guard let index = index(at: offset) else { return nil }
    let value = values[index]
    return RecoveryPoint(
      applicationAddress: value & Self.addressMask, recipe: Self.decode(UInt8(value >> 56) & 63),
      isStart: value & Self.startBit != 0 && Int(offsets[index]) == offset, isStale: value & Self.staleBit != 0)
  }

  mutating func markStale(_ offset: Int) {
    guard let index = index(at: offset), Int(offsets[index]) == offset else { return }
    values[index] |= Self.staleBit
  }

  /// Whether the translation of the instruction that `offset` is in has been dropped.
  func isStale(_ offset: Int) -> Bool {
    guard var index = index(at: offset) else { return false }
    while index > 0 && values[index] & Self.startBit == 0 { index -= 1 }
    return values[index] & Self.staleBit != 0
  }

  mutating func removeAll() { count = 0 }

  /// The last entry that isn't behind `offset`. Of several at one offset the last counts.
  private func index(at offset: Int) -> Int? {
    var low = 0, high = count
    while low < high {
      let middle = (low + high) / 2
      if Int(offsets[middle]) <= offset { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }

  private static func encode(_ recipe: RecoveryRecipe) -> UInt8 {
    switch recipe {
    case .plain: 0
    case .afterSystemCall: 1
    case .inTransfer: 2
    case .spilled(let register): 16 | register.rawValue
    }
  }

  private static func decode(_ code: UInt8) -> RecoveryRecipe {
    switch code {
    case 0: .plain
    case 1: .afterSystemCall
    case 2: .inTransfer
    default: GeneralRegister(rawValue: code & 15).map { .spilled($0) } ?? .inTransfer
    }
  }
}
