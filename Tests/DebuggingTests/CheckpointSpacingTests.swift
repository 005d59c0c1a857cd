import Debugging
import Testing

@Suite struct CheckpointSpacingTests {
  /// Goes on in steps, and keeps what the spacing keeps.
  private func run(_ spacing: CheckpointSpacing, steps: Int) -> [UInt64] {
    var works: [UInt64] = [0]
    for step in 1...steps {
      let now = UInt64(step) * spacing.interval
      guard spacing.isDue(at: now, last: works[works.count - 1]) else { continue }
      works.append(now)
      if let victim = spacing.victim(of: works, present: now) { works.remove(at: victim) }
    }
    return works
  }

  @Test func thereAreNeverTooMany() {
    let works = run(CheckpointSpacing(), steps: 5000)
    #expect(works.count == CheckpointSpacing().countMax)
    #expect(works[0] == 0)
    #expect(works[works.count - 1] == 5000 * CheckpointSpacing().interval)
  }

  @Test func theyGetSparserTowardsThePast() {
    let spacing = CheckpointSpacing()
    let works = run(spacing, steps: 5000)
    let present = works[works.count - 1]
    for index in 1..<works.count {
      let gap = works[index] - works[index - 1]
      // However far back: the gap is no larger than the distance of its end, and some intervals.
      #expect(gap <= (present - works[index]) + 4 * spacing.interval)
    }
  }

  /// What a way to a point has cost depends a little on the way.
  @Test func theOrderOfWorkNeedNotBeThatOfPoints() {
    var spacing = CheckpointSpacing()
    spacing.countMax = 3
    #expect(spacing.victim(of: [0, 500, 400, 900], present: 900) != nil)
    #expect(spacing.victim(of: [0, 900, 800, 0], present: 0) != nil)
  }

  @Test func fewAreKeptWhateverTheyHold() {
    let spacing = CheckpointSpacing()
    #expect(spacing.victim(of: [0, 10], present: 10, byteCount: .max) == nil)
    #expect(spacing.victim(of: [0, 5, 10], present: 10, byteCount: .max) == 1)
    #expect(spacing.victim(of: [0, 5, 10], present: 10, byteCount: 0) == nil)
  }
}
