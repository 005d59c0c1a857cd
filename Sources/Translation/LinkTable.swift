/// The direct branches that may have to be redirected: those whose target isn't translated yet, and those into another
/// page, whose translation can be dropped while the branch lives on.
struct LinkTable: ~Copyable {
  struct Link: BitwiseCopyable {
    var target: UInt64
    /// The offset of the 32-bit distance in the zone; for a fall-through, of the five-byte `nop`.
    var field: UInt32
    /// The offset of the exit that this link has used, 0 if it never had one.
    var exit: UInt32
    /// The next link with the same target, plus one; 0 at the end.
    var next: UInt32
    var zone: UInt8
    /// Whether the branch counts a tick on its way.
    var ticks: Bool
    /// Whether this isn't a branch but code that runs on into the next page.
    var isFallThrough: Bool
  }

  private var memory = GrowingMemory<Link>(minimumCapacity: 1024)
  private(set) var count = 0
  /// From a target to its first link, plus one.
  private var heads = AddressTable(minimumCapacity: 1024)

  init() {}

  init(copying other: borrowing LinkTable) {
    memory = GrowingMemory(minimumCapacity: other.memory.capacity)
    count = other.count
    heads = AddressTable(copying: other.heads)
    links.update(from: other.links, count: count)
  }

  private var links: UnsafeMutablePointer<Link> { memory.start }

  subscript(index: Int) -> Link {
    get { links[index] }
    set { links[index] = newValue }
  }

  /// Adds a link and returns its number.
  mutating func add(target: UInt64, field: Int, zone: Int, ticks: Bool, isFallThrough: Bool) -> Int {
    if count == memory.capacity { memory.grow() }
    links[count] = Link(
      target: target, field: UInt32(field), exit: 0, next: heads[target] ?? 0, zone: UInt8(zone), ticks: ticks,
      isFallThrough: isFallThrough)
    count += 1
    heads.set(target, UInt32(count))
    return count - 1
  }

  /// The number of the first link to `target`; follow `next(after:)`.
  func first(to target: UInt64) -> Int? {
    guard let head = heads[target], head != 0 else { return nil }
    return Int(head) - 1
  }

  func next(after index: Int) -> Int? { links[index].next == 0 ? nil : Int(links[index].next) - 1 }

  /// Takes the links to `target` for which `isStale` holds out of its list, and hands `body` the others. The numbers of
  /// those taken out aren't given to other links: an exit may still name them.
  mutating func prune(to target: UInt64, isStale: (Link) -> Bool, _ body: (Int) -> Void) {
    var previous: Int?
    var current = first(to: target)
    while let index = current {
      current = next(after: index)
      if isStale(links[index]) {
        if let previous { links[previous].next = links[index].next } else { heads.set(target, links[index].next) }
      } else {
        previous = index
        body(index)
      }
    }
  }

  mutating func removeAll() {
    count = 0
    heads.removeAll()
  }
}
