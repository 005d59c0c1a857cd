/// The landings: the places in the cache at which indirect transfers arrive.
///
/// An indirect transfer jumps through an entry of a table in the tracee, chosen by the low 16 bits of its target. The
/// entry leads to a landing, which compares the rest of the target with its own address and jumps on to the next
/// landing of that entry if it differs; the last one's jump leads to the miss exit.
struct LandingTable: ~Copyable {
  private struct Landing: BitwiseCopyable {
    var address: UInt64
    /// The landing's address in the cache.
    var cacheAddress: UInt64
    /// The offset in its zone of the distance of the jump to the next landing.
    var missField: UInt32
    /// The next landing of the same entry, plus one.
    var next: UInt32
    var zone: UInt8
  }

  private let entries: UnsafeMutablePointer<UInt64>
  private let heads: UnsafeMutablePointer<UInt32>
  private var landings: [Landing] = []
  private var numbers = AddressTable(minimumCapacity: 1024)

  /// `memory` is the tracer's mapping of the table in the tracees.
  init(memory: UnsafeMutableRawBufferPointer) {
    precondition(memory.count >= RuntimeLayout.landingTableByteCount)
    entries = memory.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self)
    heads = .allocate(capacity: RuntimeLayout.landingTableEntryCount)
    heads.initialize(repeating: 0, count: RuntimeLayout.landingTableEntryCount)
  }

  /// `memory` is the tracer's mapping of the table in the other tracees, and takes on the contents.
  init(copying other: borrowing LandingTable, memory: UnsafeMutableRawBufferPointer) {
    self.init(memory: memory)
    entries.update(from: other.entries, count: RuntimeLayout.landingTableEntryCount)
    heads.update(from: other.heads, count: RuntimeLayout.landingTableEntryCount)
    landings = other.landings
    numbers = AddressTable(copying: other.numbers)
  }

  deinit { heads.deallocate() }

  /// Makes every entry lead to the miss exit.
  mutating func removeAll(missExit: UInt64) {
    entries.update(repeating: missExit, count: RuntimeLayout.landingTableEntryCount)
    heads.update(repeating: 0, count: RuntimeLayout.landingTableEntryCount)
    landings.removeAll(keepingCapacity: true)
    numbers.removeAll()
  }

  func hasLanding(_ address: UInt64) -> Bool { numbers[address] != nil }

  func cacheAddress(_ address: UInt64) -> UInt64? { numbers[address].map { landings[Int($0)].cacheAddress } }

  /// Where a new landing for `address` goes on to when the target isn't its own; nil for the miss exit.
  func successor(_ address: UInt64) -> UInt64? {
    let head = heads[Self.entry(address)]
    return head == 0 ? nil : landings[Int(head) - 1].cacheAddress
  }

  /// Puts a landing in front of its entry's others. Its miss jump must lead to `successor`.
  mutating func add(_ address: UInt64, cacheAddress: UInt64, missField: Int, zone: Int) {
    let entry = Self.entry(address)
    landings.append(
      Landing(
        address: address, cacheAddress: cacheAddress, missField: UInt32(missField), next: heads[entry],
        zone: UInt8(zone)))
    heads[entry] = UInt32(landings.count)
    entries[entry] = cacheAddress
    numbers.set(address, UInt32(landings.count - 1))
  }

  /// Takes the landing of `address` out of its chain. `redirect` makes the miss jump at (zone, field) lead to an
  /// address, or to its zone's miss exit for nil. `missExit` is for the table's entry.
  mutating func remove(_ address: UInt64, missExit: UInt64, redirect: (Int, Int, UInt64?) -> Void) {
    guard let number = numbers[address] else { return }
    numbers.remove(address)
    let next = landings[Int(number)].next
    let nextAddress = next == 0 ? nil : landings[Int(next) - 1].cacheAddress
    let entry = Self.entry(address)
    if heads[entry] == number + 1 {
      heads[entry] = next
      entries[entry] = nextAddress ?? missExit
      return
    }
    var at = heads[entry]
    while at != 0 {
      let index = Int(at) - 1
      if landings[index].next == number + 1 {
        landings[index].next = next
        redirect(Int(landings[index].zone), Int(landings[index].missField), nextAddress)
        return
      }
      at = landings[index].next
    }
  }

  private static func entry(_ address: UInt64) -> Int { Int(address & 0xFFFF) }
}
