/// Where checkpoints are kept: many near the present, fewer and fewer towards the past, so that any point is reached by
/// a bounded replay, and a long recording needs no more of them than a short one.
///
/// Distances are amounts of work, about two nanoseconds of native execution each.
package struct CheckpointSpacing: Equatable, Sendable {
  /// Work for 100 ms of the recorded program.
  package var interval: UInt64 = 50_000_000
  package var countMax = 24
  /// How much memory they may hold that nothing else holds, in bytes.
  package var byteCountMax: UInt64 = 1 << 30
  /// Nearer than this to the present, one is as good as another.
  package var nearest: UInt64 = 500_000

  package init() {}

  /// Whether one is to be made at `work`, where the last one before that is at `last`.
  package func isDue(at work: UInt64, last: UInt64) -> Bool { work >= last + interval }

  /// Which of too many checkpoints, in the order of their points, goes first: the one whose loss makes the gap that is
  /// smallest against its distance from the present. Never the first or the last.
  package func victim(of works: [UInt64], present: UInt64, byteCount: UInt64 = 0) -> Int? {
    guard works.count > 2, works.count > countMax || byteCount > byteCountMax else { return nil }
    func weight(_ index: Int) -> Double {
      // As numbers with a sign: code that runs up to a new image is worth more if it was run in pieces.
      let gap = Double(works[index + 1]) - Double(works[index - 1])
      let distance = abs(Double(works[index]) - Double(present))
      return gap / (distance + Double(nearest))
    }
    return (1..<(works.count - 1)).min { weight($0) < weight($1) }
  }
}
