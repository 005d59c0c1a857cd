import Debugging
import Replay
import Testing

@Suite struct ScanMemoryTests {
  private func point(_ ticks: UInt64) -> TimePoint { TimePoint(event: 5, ticks: ticks) }

  private func hit(_ ticks: UInt64) -> ScanHit { ScanHit(point: point(ticks), reason: .breakpoint(isHardware: false)) }

  @Test func intervalsThatTouchAreLookedThrough() {
    var memory = ScanMemory()
    memory.use([1])
    memory.add(.init(start: point(0), end: point(10), hits: [hit(3)]))
    memory.add(.init(start: point(10), end: point(20), hits: []))
    #expect(memory.lastHit(before: point(20)).hit == hit(3))
    #expect(memory.lastHit(before: point(15)).hit == hit(3))
    #expect(memory.lastHit(before: point(3)).hit == nil)
    #expect(memory.lastHit(before: point(3)).knownFrom == point(0))
    #expect(memory.lastHit(before: point(25)).knownFrom == point(25))
  }

  @Test func otherStopsAreOtherKnowledge() {
    var memory = ScanMemory()
    memory.use([1])
    memory.add(.init(start: point(0), end: point(10), hits: [hit(3)]))
    memory.use([1])
    #expect(memory.lastHit(before: point(10)).hit == hit(3))
    memory.use([2])
    #expect(memory.lastHit(before: point(10)).hit == nil)
    #expect(memory.lastHit(before: point(10)).knownFrom == point(10))
  }

  @Test func whatWasTouchedLiesBeforeThePlaceBehindIt() {
    var memory = ScanMemory()
    memory.use([1])
    let touch = ScanHit(point: point(2), reason: .watchpoint(.write, address: 8), behind: point(6))
    memory.add(.init(start: point(0), end: point(10), hits: [touch]))
    #expect(memory.lastHit(before: point(6)).hit == touch)
    #expect(memory.lastHit(before: point(5)).hit == nil)
  }
}

@Suite struct TimePointTests {
  @Test func theOrderIsThatOfTheReplay() {
    let points = [
      TimePoint(event: 1, ticks: 9, programCounter: 9), TimePoint(event: 2, ticks: 0, programCounter: 7),
      TimePoint(event: 2, ticks: 1, programCounter: 3), TimePoint(event: 2, ticks: 1, programCounter: 4),
      TimePoint(event: 2, ticks: 1, programCounter: 4, isAtEvent: true), TimePoint(event: 3),
    ]
    for (a, b) in zip(points, points.dropFirst()) {
      #expect(a < b)
      #expect(!(b < a))
    }
  }
}
