/// The ticks left until the translated code stops, spread over several counters in the data page.
///
/// A tick waits for the one before it to be written to memory if both count in one place, which is most of what it
/// costs where ticks follow each other closely. So calls and what they return to count in different places. A counter
/// that reaches zero stops the code; no counter is ever given so much that all of them together could go beyond the
/// ticks left, and what they haven't used is spread anew. As they are given what they used before, few such stops lie
/// on the way to a tick.
struct TickCounters {
  static let count = 4
  private static let weightSum: Int64 = 1 << 14

  private let memory: UnsafeMutableRawPointer
  /// The ticks left when they were spread.
  private var budget: Int64 = 0
  private var granted = SIMD4<Int64>(repeating: 0)
  /// How the ticks of the last spans were distributed.
  private var weights = SIMD4<Int64>(repeating: weightSum / 4)

  init(dataPage: UnsafeMutableRawPointer) { memory = dataPage + RuntimeLayout.tickCountersOffset }

  /// The same state with the counters of another data page, which has the same contents.
  init(copying other: TickCounters, dataPage: UnsafeMutableRawPointer) {
    self = TickCounters(dataPage: dataPage)
    budget = other.budget
    granted = other.granted
    weights = other.weights
  }

  /// The counter for the code that counts ticks in front of `address`.
  static func number(_ address: UInt64, isLanding: Bool) -> Int {
    let half = Int(truncatingIfNeeded: address >> 1 ^ address >> 4 ^ address >> 7) & 1
    return isLanding ? 2 + half : half
  }

  private var counters: SIMD4<Int64> {
    get {
      var values = SIMD4<Int64>()
      for number in 0..<Self.count {
        values[number] = memory.load(fromByteOffset: number * RuntimeLayout.tickCounterDistance, as: Int64.self)
      }
      return values
    }
    nonmutating set {
      for number in 0..<Self.count {
        let offset = number * RuntimeLayout.tickCounterDistance
        memory.storeBytes(of: newValue[number], toByteOffset: offset, as: Int64.self)
      }
    }
  }

  var left: Int64 { budget - (granted &- counters).wrappedSum() }

  mutating func spread(_ left: Int64) {
    let now = counters
    // One that has reached zero long before the budget's end was given far too little.
    let isExhausted = (0..<Self.count).contains { now[$0] == 0 && granted[$0] > 0 }
    noteUse(granted &- now, wasShort: isExhausted)
    budget = left
    // Of n counters that all but one have one tick left, that one stops: together they have counted n - 1 less.
    let rest = max(left - 1, 0)
    granted = 1 &+ (rest < 1 << 48 ? (rest &* weights) / Self.weightSum : (rest / Self.weightSum) &* weights)
    counters = granted
  }

  private mutating func noteUse(_ used: SIMD4<Int64>, wasShort: Bool) {
    let total = used.wrappedSum()
    // Few ticks say little, unless they are all that there was room for.
    let significant: Int64 = 64
    guard total >= significant || wasShort && total > 0 && budget / significant > total, total < 1 << 48 else { return }
    // Each keeps a share: what was never counted in may be from now on.
    let least: Int64 = 1
    let shares = (used &* (Self.weightSum - 4 * least)) / total &+ least
    weights = (weights &+ shares) / 2
  }
}
