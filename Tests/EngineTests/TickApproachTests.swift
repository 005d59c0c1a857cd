import Execution
import Testing

/// The arithmetic of interrupts that come late, on numbers alone.
@Suite struct TickApproachTests {
  @Test func anInterruptIsAskedForEarly() {
    let approach = TickApproach(target: 1000, skidMax: 100)
    #expect(approach.move(at: 0) == .run(interruptAfter: 899))
    // The latest one stops a tick before the target.
    #expect(approach.move(at: 899 + 100) == .approach(ticksLeft: 1))
    // One that was early, or came for another reason.
    #expect(approach.move(at: 300) == .run(interruptAfter: 599))
  }

  @Test func closeToTheTargetNothingIsLeftToInterrupts() {
    let approach = TickApproach(target: 1000, skidMax: 100)
    #expect(approach.move(at: 898) == .run(interruptAfter: 1))
    #expect(approach.move(at: 899) == .approach(ticksLeft: 101))
    #expect(approach.move(at: 1000) == .approach(ticksLeft: 0))
    #expect(TickApproach(target: 5, skidMax: 100).move(at: 0) == .approach(ticksLeft: 5))
    #expect(TickApproach(target: 5, skidMax: 0).move(at: 0) == .run(interruptAfter: 4))
    #expect(TickApproach(target: 5, skidMax: 0).move(at: 4) == .approach(ticksLeft: 1))
  }

  @Test func tooFarIsTooFar() {
    let approach = TickApproach(target: 1000, skidMax: 100)
    #expect(approach.move(at: 1001) == .overshot(by: 1))
    #expect(TickApproach(target: 0, skidMax: 0).move(at: .max) == .overshot(by: .max))
  }

  @Test func largeNumbersDoNotOverflow() {
    #expect(TickApproach(target: .max, skidMax: 10_000).move(at: 0) == .run(interruptAfter: .max - 10_001))
    #expect(TickApproach(target: .max, skidMax: .max).move(at: 0) == .approach(ticksLeft: .max))
    #expect(TickApproach(target: .max, skidMax: .max).move(at: .max) == .approach(ticksLeft: 0))
  }

  /// Whatever skid within the bound each interrupt has, the target is reached, never passed, and by few interrupts.
  @Test(arguments: [0, 1, 7, 100, 10_000] as [UInt64])
  func anySkidWithinTheBoundLeadsThere(skidMax: UInt64) {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let target = UInt64.random(in: 0...100_000, using: &random)
      let approach = TickApproach(target: target, skidMax: skidMax)
      var ticks = UInt64.random(in: 0...target, using: &random)
      var interrupts = 0
      while case .run(let after) = approach.move(at: ticks) {
        #expect(after > 0)
        // Some stops come earlier, for other reasons.
        let isOther = interrupts < 10 && UInt64.random(in: 0..<8, using: &random) == 0
        ticks += isOther ? UInt64.random(in: 0..<after, using: &random) : after + UInt64.random(in: 0...skidMax, using: &random)
        interrupts += 1
        guard ticks < target, interrupts <= 30 else { break }
      }
      #expect(ticks < target || interrupts == 0, "\(ticks) of \(target)")
      #expect(interrupts <= 30)
      guard case .approach(let left) = approach.move(at: ticks) else {
        Issue.record("\(approach) at \(ticks)")
        continue
      }
      #expect(left <= skidMax + 1 && ticks + left == target)
    }
  }
}
