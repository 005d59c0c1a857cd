import Execution
package import KernelABI
package import Replay
import TraceeControl
import TraceFormat

/// The debugger asked to stop, on the way to a place.
package struct SeekInterrupted: Error {}

/// A place that the recording doesn't come by.
package struct NoSuchPoint: Error, CustomStringConvertible {
  package var point: TimePoint

  package var description: String { "the replay doesn't come by \(point)" }
}

// Going to a point whose place is known, with no look at what lies on the way.
extension Timeline {
  /// Checkpoints are made at these distances before the goal: what is asked next is often just before it.
  private static let nearDistances: [UInt64] = [10_000_000, 500_000]
  /// The last events before the goal that are looked at for such places.
  private static let nearEventCount: UInt64 = 16
  /// Steps to a point behind its tick before a breakpoint takes over.
  private static let stepCountMax = 24

  package func seek(to target: TimePoint, isInterrupted: () -> Bool = { false }) throws {
    guard try point != target else { return }
    try seek(toEvent: target.event, thenTicks: target.ticks, before: target, isInterrupted)
    try seek(toProgramCounter: target)
    guard try point == target else { throw NoSuchPoint(point: target) }
  }

  /// Goes to where this event is done, and no further.
  package func seek(afterEvent event: UInt64, isInterrupted: () -> Bool = { false }) throws {
    let target = TimePoint(event: event)
    if session.eventCount == event, isAtStageStart { return }
    try seek(toEvent: event, thenTicks: nil, before: target, isInterrupted)
  }

  /// Goes to the first place of a tick in the code before event `event + 1`: where that code begins, if it begins at
  /// this tick or later.
  package func seek(toTick ticks: UInt64, inStage event: UInt64, isInterrupted: () -> Bool = { false }) throws {
    let target = TimePoint(event: event, ticks: ticks)
    try seek(toEvent: event, thenTicks: ticks, before: target, isInterrupted)
  }

  /// The ticks at which the code before event `event + 1` begins.
  package func stageStartTicks(_ event: UInt64) throws -> UInt64 {
    guard let next = try index.event(event + 1) else { return 0 }
    var number = event
    while number > 0, let entry = try index.event(number) {
      if entry.tid == next.tid { return entry.kind == .imageStart ? 0 : entry.ticks }
      number -= 1
    }
    return 0
  }

  /// The nearest place to start from: where we are, or a checkpoint.
  private func restoreCheckpoint(before target: TimePoint) throws {
    guard let checkpoint = try bestCheckpoint(upTo: target) else { throw NoSuchPoint(point: target) }
    try restore(checkpoint)
  }

  private func seek(
    toEvent event: UInt64, thenTicks ticks: UInt64?, before target: TimePoint, _ isInterrupted: () -> Bool
  ) throws {
    let here = try floor
    if try here > target || bestCheckpoint(upTo: target).map({ $0.floor > here }) ?? false {
      try restoreCheckpoint(before: target)
    }
    let wasVisible = session.isVisible
    session.isVisible = false
    defer { session.isVisible = wasVisible }
    var sinceLook = 0
    while session.eventCount < event {
      let isNear = session.eventCount + Self.nearEventCount >= event
      if isNear, let next = try nextEvent { try makeNearCheckpoints(before: next.ticks, target, isInterrupted) }
      var control = CodeControl()
      control.tickBudget = Self.sliceTicks
      if case .ended = try advance(control) { throw NoSuchPoint(point: target) }
      if isNear { try makeCheckpointIfFar() } else { try makeCheckpointIfDue() }
      sinceLook += 1
      if sinceLook.isMultiple(of: 64), isInterrupted() { throw SeekInterrupted() }
    }
    guard let ticks else { return }
    try seek(toTicks: ticks, target, isInterrupted)
  }

  private func seek(toTicks ticks: UInt64, _ target: TimePoint, _ isInterrupted: () -> Bool) throws {
    try makeNearCheckpoints(before: ticks, target, isInterrupted)
    try run(toTicks: ticks, target, isInterrupted)
  }

  private func makeNearCheckpoints(
    before ticks: UInt64, _ target: TimePoint, _ isInterrupted: () -> Bool
  ) throws {
    guard let tracee = try currentTracee else { return }
    func now() -> UInt64 { session.engine.ticks(of: tracee.tracee) }
    for distance in Self.nearDistances where ticks > distance && ticks - distance > now() {
      try run(toTicks: ticks - distance, target, isInterrupted)
      try makeCheckpointIfFar()
    }
  }

  private func run(toTicks ticks: UInt64, _ target: TimePoint, _ isInterrupted: () -> Bool) throws {
    guard let tracee = try currentTracee else { return }
    while session.engine.ticks(of: tracee.tracee) < ticks {
      var control = CodeControl()
      control.ticksMax = ticks
      control.tickBudget = Self.sliceTicks
      guard case .paused(.ticks) = try advance(control) else { throw NoSuchPoint(point: target) }
      if isInterrupted() { throw SeekInterrupted() }
      try makeCheckpointIfDue()
    }
  }

  /// Within the tick.
  private func seek(toProgramCounter target: TimePoint) throws {
    var stepCount = 0
    while true {
      let here = try point
      if here == target || here.event > target.event { return }
      guard let tracee = try currentTracee else { return }
      var control = CodeControl()
      if here.programCounter == target.programCounter, here.ticks == target.ticks {
        // At the place, before the event that happens there.
        if try nextEvent?.kind.isExit ?? false {
          standAtEvent()
          return
        }
        control.stopsAtSignals = true
      } else if stepCount < Self.stepCountMax {
        control.steppedTid = tracee.recordedTid
        control.stopsAtSignals = target.isAtEvent
        stepCount += 1
      } else {
        control.breakpoints = [tracee.tracee.threadGroup.recordedID: [target.programCounter: nil]]
        control.ticksMax = target.ticks + 1
      }
      switch try advance(control) {
      case .paused(.step), .paused(.breakpoint), .paused(.signal): continue
      default: throw NoSuchPoint(point: target)
      }
    }
  }

  private func makeCheckpointIfFar() throws {
    let here = try point
    guard let last = lastCheckpoint(upTo: here), work > last.work + Self.nearDistances[1] else { return }
    try makeCheckpoint()
  }
}
