import Execution
import KernelABI
import TraceFormat
import TraceeControl

// Application code between events.
extension ReplaySession {
  /// Lets the tracee run to its next stop that isn't a signal from outside of the recording. Throws `PausedReplay`
  /// where the debugger wants it to go no further.
  func runToStop(_ tracee: ReplayTracee, for event: TraceEvent, until limit: RunLimit? = nil) throws -> Stop {
    let isTraced = options.traceFromEvent.map { event.number >= $0 } ?? false
    try prepare(tracee)
    // An engine may stop often on its own account: the budget is that of all pieces.
    let budgetEnd = control?.tickBudget.map { engine.ticks(of: tracee.tracee) &+ $0 } ?? UInt64.max
    while true {
      let isStepped = isTraced || control?.steppedTid == tracee.recordedTid
      if isStepped, case .point(let point) = limit, try stands(tracee, at: point) { return .tickLimit }
      let steps = isStepped && !engine.standsBeforeInterceptedInstruction(tracee.tracee)
      let pauseTicks = try pauseTicks(tracee, limit, budgetEnd)
      try engine.resume(
        tracee.tracee,
        steps ? .step(signal: nil) : .application(signal: nil, until: pauseTicks.map { .point($0) } ?? limit))
      let status = try wait(tracee)
      guard let stop = try engine.interpret(tracee.tracee, status) else { continue }
      switch stop {
      case .signal(let info, _) where !info.isFault: continue
      case .groupStop: continue
      case .syscallEntry where try tracee.tracee.failOtherABICall(): continue
      case .step where control?.steppedTid == tracee.recordedTid: throw PausedReplay(pause: .step)
      case .step: printStep(tracee, event)
      case .tickLimit where pauseTicks != nil:
        // A breakpoint at this very place wasn't met.
        tracee.isFresh = true
        throw PausedReplay(pause: .ticks)
      case .breakpoint: try stopAtBreakpoint(tracee)
      case .watchpoint(let hit): try stopAtWatch(tracee, hit)
      default: return stop
      }
    }
  }

  private func wait(_ tracee: ReplayTracee) throws -> WaitStatus {
    while true {
      if let status = try tracee.tracee.waitUnlessInterrupted() { return status }
      try engine.checkRunning(tracee.tracee)
    }
  }

  /// Lets the tracee run to where the recording did something to it. It may stand there already.
  func runToPoint(_ tracee: ReplayTracee, _ event: TraceEvent) throws {
    guard let point = point(of: event), try !stands(tracee, at: point) else { return }
    let stop = try runToStop(tracee, for: event, until: .point(point))
    guard stop == .tickLimit else { throw try divergence(event, tracee, stop) }
    try checkTicks(tracee, event)
  }

  /// Where an event happened that no stop of the program's own leads to. Where ticks don't name a place, a signal in
  /// the middle of code comes behind a preemption event, which has the registers.
  private func point(of event: TraceEvent) -> ExecutionPoint? {
    switch (engine.tickUnit, event.kind) {
    case (nil, _): nil
    case (.nonForwardTransfers, _): ExecutionPoint(ticks: event.ticks)
    case (.retiredConditionalBranches, .preemption): ExecutionPoint(ticks: event.ticks, registers: event.registers)
    case (.retiredConditionalBranches, _): nil
    }
  }

  private func stands(_ tracee: ReplayTracee, at point: ExecutionPoint) throws -> Bool {
    let ticks = engine.ticks(of: tracee.tracee)
    return try ticks > point.ticks || ticks == point.ticks && point.hasRegisters(of: tracee.tracee)
  }

  /// A preemption may be some instructions behind its tick.
  func stepBehindTick(_ tracee: ReplayTracee, to recorded: Registers) throws {
    guard reader.header.chaosMode, engine.tickUnit == .nonForwardTransfers else { return }
    func stands() throws -> Bool {
      var own = try tracee.tracee.registers()
      own.origRax = recorded.origRax
      return own == recorded
    }
    let instructionsMax = 64
    for _ in 0..<instructionsMax where try !stands() {
      guard engine.canStepQuietly(tracee.tracee) else { return }
      var stop: Stop?
      // A step that takes several attempts is done with the last: its first ones leave no place that is one.
      repeat {
        try engine.resume(tracee.tracee, .step(signal: nil))
        stop = try engine.interpret(tracee.tracee, try wait(tracee))
      } while stop == nil
      guard stop == .step else { return }
      if control != nil { try pauseBehindStep(tracee, isLast: stands()) }
    }
  }

  func checkTicks(_ tracee: ReplayTracee, _ event: TraceEvent) throws {
    guard engine.countsTicks, engine.ticks(of: tracee.tracee) != event.ticks else { return }
    throw try divergence(event, tracee, nil)
  }

  private func printStep(_ tracee: ReplayTracee, _ event: TraceEvent) {
    guard let registers = try? tracee.tracee.registers() else { return }
    var line = "event:\(event.number) tid:\(tracee.recordedTid)"
    for (name, value) in registers.named.prefix(20) { line += " \(name):\(String(value, radix: 16))" }
    Output.writeError(line + "\n")
  }

  // MARK: - For debuggers

  /// Makes the tracee stop where the debugger wants it to. It may stand at such a place.
  private func prepare(_ tracee: ReplayTracee) throws {
    try engine.setBreakpoints(control?.allBreakpoints ?? .none, in: tracee.tracee)
    try watch(tracee)
    guard control != nil, tracee.isFresh else { return }
    tracee.isFresh = false
    if let address = try? tracee.tracee.registers().rip, control?.allBreakpoints.contains(address) ?? false {
      try stopAtBreakpoint(tracee)
    }
  }

  private func stopAtBreakpoint(_ tracee: ReplayTracee) throws {
    guard let control, let addresses = control.breakpoints[tracee.tracee.threadGroup.recordedID],
      addresses.index(forKey: try tracee.tracee.registers().rip) != nil, control.holds(tracee)
    else { return }
    throw PausedReplay(pause: .breakpoint)
  }

  /// Where the tracee is to pause before `limit`.
  private func pauseTicks(
    _ tracee: ReplayTracee, _ limit: RunLimit?, _ budgetEnd: UInt64
  ) throws -> ExecutionPoint? {
    guard let control, control.steppedTid != tracee.recordedTid else { return nil }
    let ticks = engine.ticks(of: tracee.tracee)
    var target = budgetEnd
    if let ticksMax = control.ticksMax {
      if ticks >= ticksMax { throw PausedReplay(pause: .ticks) }
      target = min(target, ticksMax)
    }
    guard target <= limit?.ticks ?? UInt64.max else { return nil }
    return ExecutionPoint(ticks: target)
  }

  private func pauseBehindStep(_ tracee: ReplayTracee, isLast: Bool) throws {
    if control?.steppedTid == tracee.recordedTid { throw PausedReplay(pause: .step) }
    guard !isLast else { return }
    if control?.allBreakpoints.contains(try tracee.tracee.registers().rip) ?? false { try stopAtBreakpoint(tracee) }
  }
}
