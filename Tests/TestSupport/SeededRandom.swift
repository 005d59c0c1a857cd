import Foundation

/// A small generator of random numbers (SplitMix64) whose seed a failure can name, so that the run can be repeated.
package struct SeededRandom: RandomNumberGenerator {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// The seed that RRS_TEST_SEED names, else a new one.
  package init() {
    let given = ProcessInfo.processInfo.environment["RRS_TEST_SEED"].flatMap { UInt64($0) }
    self.init(seed: given ?? UInt64.random(in: 1...999_999_999))
  }

  /// The seed that RRS_TEST_SEED names, else always the same one: for searches so wide that a new seed in every run
  /// would blame a change for what it didn't do.
  package static func repeatable() -> SeededRandom {
    let given = ProcessInfo.processInfo.environment["RRS_TEST_SEED"].flatMap { UInt64($0) }
    return SeededRandom(seed: given ?? 20_261_121)
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
