/// How to get to a tick with a counter whose interrupts come late: decides from numbers alone.
///
/// An interrupt is asked for so early that even the latest one stops the tracee a tick before the target: the place
/// looked for lies between two ticks, so that a stop within the target's own tick may be behind it already.
package struct TickApproach: Equatable, Sendable {
  package let target: UInt64
  package let skidMax: UInt64

  package init(target: UInt64, skidMax: UInt64) {
    self.target = target
    self.skidMax = skidMax
  }

  package enum Move: Equatable, Sendable {
    /// Run on with an interrupt after so many ticks.
    case run(interruptAfter: UInt64)
    /// An interrupt could come too late: go on with breakpoints and steps. So many ticks are left, which may be none.
    case approach(ticksLeft: UInt64)
    /// Too far by so many ticks.
    case overshot(by: UInt64)
  }

  /// What to do at `ticks`.
  package func move(at ticks: UInt64) -> Move {
    guard ticks <= target else { return .overshot(by: ticks - target) }
    let left = target - ticks
    guard left > skidMax, left - skidMax > 1 else { return .approach(ticksLeft: left) }
    return .run(interruptAfter: left - skidMax - 1)
  }
}
