/// A hash table from addresses to 32-bit values, open and linear: no allocation per entry.
struct AddressTable: ~Copyable {
  private var keys: UnsafeMutablePointer<UInt64>
  private var values: UnsafeMutablePointer<UInt32>
  private var capacity: Int
  private(set) var count = 0
  /// No application address: the last byte of the address space belongs to the kernel.
  private static let free = UInt64.max

  init(minimumCapacity: Int = 64) {
    capacity = 64
    while capacity < minimumCapacity { capacity *= 2 }
    keys = .allocate(capacity: capacity)
    values = .allocate(capacity: capacity)
    keys.initialize(repeating: Self.free, count: capacity)
    values.initialize(repeating: 0, count: capacity)
  }

  init(copying other: borrowing AddressTable) {
    capacity = other.capacity
    count = other.count
    keys = .allocate(capacity: capacity)
    values = .allocate(capacity: capacity)
    keys.initialize(from: other.keys, count: capacity)
    values.initialize(from: other.values, count: capacity)
  }

  deinit {
    keys.deallocate()
    values.deallocate()
  }

  @inline(__always)
  private func home(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (capacity - 1)
  }

  @inline(__always)
  subscript(key: UInt64) -> UInt32? {
    var at = home(key)
    while true {
      let found = keys[at]
      if found == key { return values[at] }
      if found == Self.free { return nil }
      at = (at + 1) & (capacity - 1)
    }
  }

  mutating func set(_ key: UInt64, _ value: UInt32) {
    if count * 2 >= capacity { grow() }
    var at = home(key)
    while keys[at] != key {
      if keys[at] == Self.free {
        keys[at] = key
        count += 1
        break
      }
      at = (at + 1) & (capacity - 1)
    }
    values[at] = value
  }

  /// Removes `key` by moving back the entries behind it that would no longer be found.
  mutating func remove(_ key: UInt64) {
    var hole = home(key)
    while keys[hole] != key {
      if keys[hole] == Self.free { return }
      hole = (hole + 1) & (capacity - 1)
    }
    count -= 1
    var at = hole
    while true {
      at = (at + 1) & (capacity - 1)
      if keys[at] == Self.free { break }
      let distanceFromHome = (at - home(keys[at])) & (capacity - 1)
      if distanceFromHome >= (at - hole) & (capacity - 1) {
        keys[hole] = keys[at]
        values[hole] = values[at]
        hole = at
      }
    }
    keys[hole] = Self.free
  }

  /// All keys, in no order.
  var allKeys: [UInt64] { (0..<capacity).compactMap { keys[$0] == Self.free ? nil : keys[$0] } }

  mutating func removeAll() {
    keys.update(repeating: Self.free, count: capacity)
    count = 0
  }

  private mutating func grow() {
    let oldKeys = keys, oldValues = values, oldCapacity = capacity
    capacity *= 2
    keys = .allocate(capacity: capacity)
    values = .allocate(capacity: capacity)
    keys.initialize(repeating: Self.free, count: capacity)
    values.initialize(repeating: 0, count: capacity)
    count = 0
    for index in 0..<oldCapacity where oldKeys[index] != Self.free { set(oldKeys[index], oldValues[index]) }
    oldKeys.deallocate()
    oldValues.deallocate()
  }
}
