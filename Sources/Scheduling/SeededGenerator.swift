/// Random numbers that a seed determines (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func chance(percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  /// From 1 to `limit`; every power of two on the way is as likely as another.
  package mutating func logUniform(to limit: UInt64) -> UInt64 {
    let bits = UInt64.bitWidth - max(limit, 1).leadingZeroBitCount
    let bit = UInt64(Int.random(in: 0..<bits, using: &self))
    return min(UInt64.random(in: (1 << bit)...((1 << bit) * 2 - 1), using: &self), max(limit, 1))
  }
}
