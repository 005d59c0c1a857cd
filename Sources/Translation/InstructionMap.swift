/// A place in a code cache: the zone's number and the offset in it, in 32 bits. Zero is no place.
package struct CachePosition: Equatable, Sendable, BitwiseCopyable {
  let rawValue: UInt32

  static let offsetBits: UInt32 = 26
  static let offsetCount = 1 << 26
  static let zoneCountMax = 64

  @inline(__always)
  init(rawValue: UInt32) { self.rawValue = rawValue }
  @inline(__always)
  init(zone: Int, offset: Int) {
    rawValue = UInt32(truncatingIfNeeded: zone) << Self.offsetBits | UInt32(truncatingIfNeeded: offset)
  }
  var zone: Int { Int(rawValue >> Self.offsetBits) }
  var offset: Int { Int(rawValue & (1 << Self.offsetBits - 1)) }
}

/// From the start of every translated application instruction to its translation.
///
/// Addresses are grouped by 256: a group has one array of positions, found by a hash table. Neighbours of the last
/// address asked for are found without hashing, and the instructions of a page by looking at 16 groups.
struct InstructionMap: ~Copyable {
  private static let groupShift: UInt64 = 8
  private static let groupSize = 256

  private var groups = AddressTable(minimumCapacity: 1024)
  private var memory = GrowingMemory<UInt32>(minimumCapacity: 64 * groupSize)
  private var groupCount = 0
  private var recentGroup = UInt64.max
  private var recentSlots = 0
  private(set) var count = 0

  init() {}

  init(copying other: borrowing InstructionMap) {
    groups = AddressTable(copying: other.groups)
    memory = GrowingMemory(minimumCapacity: other.memory.capacity)
    groupCount = other.groupCount
    count = other.count
    slots.update(from: other.slots, count: groupCount * Self.groupSize)
  }

  private var slots: UnsafeMutablePointer<UInt32> { memory.start }

  /// The bytes that the map takes.
  var byteCount: Int { memory.capacity * 4 }

  @inline(__always)
  private mutating func slotBase(_ address: UInt64) -> Int? {
    let group = address >> Self.groupShift
    if group == recentGroup { return recentSlots }
    guard let index = groups[group] else { return nil }
    recentGroup = group
    recentSlots = Int(index) * Self.groupSize
    return recentSlots
  }

  @inline(__always)
  mutating func position(of address: UInt64) -> CachePosition? {
    guard let base = slotBase(address) else { return nil }
    let raw = slots[base + Int(address & 0xFF)]
    return raw == 0 ? nil : CachePosition(rawValue: raw)
  }

  @inline(__always)
  mutating func set(_ address: UInt64, _ position: CachePosition) {
    let base = slotBase(address) ?? addGroup(address)
    slots[base + Int(address & 0xFF)] = position.rawValue
    count += 1
  }

  /// Forgets every translation that starts in `range`, after handing each to `body`.
  mutating func removeAll(in range: Range<UInt64>, _ body: (UInt64, CachePosition) -> Void) {
    var group = range.lowerBound >> Self.groupShift
    while group << Self.groupShift < range.upperBound {
      if let index = groups[group] {
        let base = Int(index) * Self.groupSize
        for slot in 0..<Self.groupSize where slots[base + slot] != 0 {
          let address = group << Self.groupShift + UInt64(slot)
          guard range.contains(address) else { continue }
          let position = CachePosition(rawValue: slots[base + slot])
          slots[base + slot] = 0
          count -= 1
          body(address, position)
        }
      }
      group += 1
    }
  }

  mutating func removeAll() {
    groups.removeAll()
    groupCount = 0
    count = 0
    recentGroup = .max
  }

  private mutating func addGroup(_ address: UInt64) -> Int {
    if (groupCount + 1) * Self.groupSize > memory.capacity { memory.grow() }
    let base = groupCount * Self.groupSize
    (slots + base).update(repeating: 0, count: Self.groupSize)
    groups.set(address >> Self.groupShift, UInt32(groupCount))
    groupCount += 1
    recentGroup = address >> Self.groupShift
    recentSlots = base
    return base
  }
}
