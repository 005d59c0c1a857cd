import Execution
package import KernelABI
package import Replay
import TraceeControl
import TraceFormat

// Going backwards: a piece of the recording before the present is replayed, and the last stop in it is gone to.
extension Timeline {
  /// Goes back to the last place at which something stops.
  package func runBackward(_ stops: StopSet, isInterrupted: () -> Bool) throws -> TimelineStop {
    if hasPassedDelivery, case .signal(let signal)? = try nextEvent?.kind,
      !stops.passedSignals.contains(signal.rawValue), let tid = try currentTracee?.recordedTid
    {
      hasPassedDelivery = false
      return TimelineStop(point: try point, tid: tid, reason: .signal(signal.rawValue))
    }
    scanned.use(stops.identity)
    return try interruptible {
      var end = try point
      while true {
        let known = scanned.lastHit(before: end)
        if let hit = known.hit, let stop = try goBack(to: hit, before: end, stops, isInterrupted) { return stop }
        end = known.knownFrom
        guard let checkpoint = try bestCheckpoint(before: end), end > TimePoint(event: beginEvent) else {
          return try goToBegin()
        }
        try restore(checkpoint)
        if checkpoint.point.event < beginEvent { try seek(afterEvent: beginEvent) }
        try scan(until: end, stops, isInterrupted)
      }
    }
  }

  private func goToBegin() throws -> TimelineStop {
    try seek(afterEvent: beginEvent)
    return try stopHere(.historyBegin)
  }

  private func stopHere(_ reason: TimelineStop.Reason) throws -> TimelineStop {
    TimelineStop(point: try point, tid: try currentTracee?.recordedTid ?? Tid(0), reason: reason)
  }

  /// Where the debugger interrupts, it stops wherever it is on its way.
  private func interruptible(_ body: () throws -> TimelineStop) throws -> TimelineStop {
    do {
      return try body()
    } catch is SeekInterrupted {
      return try stopHere(.interrupted)
    }
  }

  private func goBack(
    to hit: ScanHit, before end: TimePoint, _ stops: StopSet, _ isInterrupted: () -> Bool
  ) throws -> TimelineStop? {
    var point = hit.point
    if let behind = hit.behind {
      guard let found = try lastTouch(before: min(behind, end), inStage: behind.event, stops) else { return nil }
      point = found
    }
    try seek(to: point, isInterrupted: isInterrupted)
    if case .watchpoint = hit.reason { hasPassedDelivery = point.isAtEvent }
    return try stopHere(hit.reason)
  }

  // MARK: - Scanning

  /// More stops than this in one piece, and only the later half of the rest is looked at first.
  private static let hitCountMax = 256

  /// Looks for stops from here to `end`, and remembers them.
  private func scan(until end: TimePoint, _ stops: StopSet, _ isInterrupted: () -> Bool) throws {
    var control = stops.control()
    control.tickBudget = Self.sliceTicks
    session.isVisible = false
    session.noteWatchedValues(control.watches)
    // What is at this very place is found, too.
    try currentTracee?.isFresh = true
    try currentTracee?.hasPausedAtSignal = false
    var start = try point
    var hits: [ScanHit] = []
    var count = 0
    while try point < end {
      let before = try point
      let progress = try advance(towards: end, control)
      guard let progress else { break }
      if let hit = try hit(for: progress, from: before, stops), hit.isBefore(end) { hits.append(hit) }
      if hits.count > Self.hitCountMax {
        let here = try point
        scanned.add(.init(start: start, end: here, hits: hits.filter { $0.isBefore(here) }))
        hits.removeAll { $0.isBefore(here) }
        start = here
        // The last of many is looked for: what lies before the middle can wait.
        if let middle = try skipHalf(until: end) {
          start = middle
          hits = []
        }
        session.noteWatchedValues(control.watches)
      }
      try makeCheckpointIfDue()
      count += 1
      if case .event = progress, !count.isMultiple(of: 64) { continue }
      if isInterrupted() { throw SeekInterrupted() }
    }
    // Nothing lies between the beginning and where it is shown.
    if start.event == beginEvent { start = min(start, TimePoint(event: beginEvent)) }
    scanned.add(.init(start: start, end: end, hits: hits))
  }

  /// One piece of replay that doesn't pass `end`; nil: it is reached.
  private func advance(towards end: TimePoint, _ control: CodeControl) throws -> ReplayProgress? {
    var control = control
    if session.eventCount == end.event {
      let here = try point
      if here.ticks < end.ticks {
        control.ticksMax = end.ticks
      } else {
        guard here < end, let tracee = try currentTracee else { return nil }
        if here.programCounter == end.programCounter, !end.isAtEvent { return nil }
        control.steppedTid = tracee.recordedTid
        let progress = try advance(control)
        if case .paused(.step) = progress, let stop = try breakpointHere(control, tracee), try point < end {
          return stop
        }
        return progress
      }
    }
    return try advance(control)
  }

  /// Single steps pass over breakpoints.
  private func breakpointHere(_ control: CodeControl, _ tracee: ReplayTracee) throws -> ReplayProgress? {
    let address = try tracee.tracee.registers().rip
    let isSet = control.breakpoints[tracee.tracee.threadGroup.recordedID]?.index(forKey: address) != nil
    return isSet && control.holds(tracee) ? .paused(.breakpoint) : nil
  }

  private func hit(for progress: ReplayProgress, from before: TimePoint, _ stops: StopSet) throws -> ScanHit? {
    switch progress {
    case .paused(.breakpoint):
      return ScanHit(point: try point, reason: .breakpoint(isHardware: try isHardwareBreakpoint(stops)))
    case .paused(.watchpoint(let indices)):
      return ScanHit(point: before, reason: watchReason(indices.first ?? 0, stops), behind: try point)
    case .paused(.signal(let signal)):
      if stops.passedSignals.contains(signal.rawValue) { return nil }
      return ScanHit(point: try point, reason: .signal(signal.rawValue))
    case .event(let event, let touched):
      guard let watch = touched.first else { return nil }
      var place = TimePoint(
        event: event.number - 1, ticks: event.ticks, programCounter: session.eventProgramCounter)
      if case .signal = event.kind { place.isAtEvent = true }
      return ScanHit(point: place, reason: watchReason(watch, stops))
    case .paused, .ended:
      return nil
    }
  }

  /// Goes on without stops to about the middle of what is left before `end`; nil where there is too little left.
  private func skipHalf(until end: TimePoint) throws -> TimePoint? {
    let here = try point
    try makeCheckpoint()
    if here.event == end.event {
      guard end.ticks > here.ticks + 1000 else { return nil }
      try seek(toTick: here.ticks + (end.ticks - here.ticks) / 2, inStage: end.event)
    } else if end.event - here.event > 1 {
      try seek(afterEvent: here.event + (end.event - here.event) / 2)
    } else if let next = try nextEvent, next.ticks > here.ticks + 1000 {
      try seek(toTick: here.ticks + (next.ticks - here.ticks) / 2, inStage: here.event)
    } else {
      try seek(afterEvent: end.event)
    }
    guard try point < end else { return nil }
    try makeCheckpoint()
    try currentTracee?.isFresh = true
    return try point
  }

  // MARK: - Single steps

  /// Goes back by one instruction of a thread, over those of others.
  package func stepBackward(_ tid: Tid, isInterrupted: () -> Bool) throws -> TimelineStop {
    try interruptible {
      var limit: TimePoint? = try point
      var stage = session.eventCount
      while stage >= beginEvent {
        if try index.event(stage + 1)?.tid == tid, let place = try lastInstruction(ofStage: stage, before: limit) {
          try seek(to: place, isInterrupted: isInterrupted)
          return TimelineStop(point: place, tid: tid, reason: .step)
        }
        limit = nil
        stage -= 1
        if stage.isMultiple(of: 64), isInterrupted() { throw SeekInterrupted() }
      }
      return try goToBegin()
    }
  }

  /// Where the last instruction begins that is executed in the code before event `stage + 1`, and before `limit`. The
  /// timeline is left somewhere near.
  private func lastInstruction(ofStage stage: UInt64, before limit: TimePoint?) throws -> TimePoint? {
    guard let next = try index.event(stage + 1) else { return nil }
    var places: [TimePoint] = []
    try walk(stage: stage, fromBefore: limit?.ticks ?? next.ticks, CodeControl(), until: limit) { place, progress in
      switch progress {
      case .paused(.step): places.append(place)
      case .event where next.kind.isInstruction: places.append(place)
      case .paused(.signal) where limit == nil:
        // To have a signal delivered is a step of its own.
        places.append(try point)
      default: break
      }
    }
    return places.last
  }

  /// Where the last instruction begins that touches watched memory, in the stage and before `end`.
  private func lastTouch(before end: TimePoint, inStage stage: UInt64, _ stops: StopSet) throws -> TimePoint? {
    var control = CodeControl()
    control.watches = stops.control().watches
    var found: TimePoint?
    try walk(stage: stage, fromBefore: end.ticks, control, until: end) { place, progress in
      if case .paused(.watchpoint) = progress { found = place }
    }
    return found
  }

  /// Steps through a stage from the tick before `ticks` on, and hands out each place with what became of it.
  private func walk(
    stage: UInt64, fromBefore ticks: UInt64, _ control: CodeControl, until limit: TimePoint?,
    _ body: (TimePoint, ReplayProgress) throws -> Void
  ) throws {
    let start = try max(stageStartTicks(stage), ticks > 0 ? ticks - 1 : 0)
    if start > (try stageStartTicks(stage)) {
      try seek(toTick: start, inStage: stage)
    } else {
      try seek(afterEvent: stage)
    }
    guard let tracee = try currentTracee, tracee.standsInCode else { return }
    try makeCheckpoint()
    session.isVisible = false
    session.noteWatchedValues(control.watches)
    var control = control
    control.steppedTid = tracee.recordedTid
    control.stopsAtSignals = true
    while session.eventCount == stage {
      let place = try point
      if let limit, place >= limit { return }
      let progress = try advance(control)
      try body(place, progress)
      if case .paused(.signal) = progress { return }
    }
  }
}
