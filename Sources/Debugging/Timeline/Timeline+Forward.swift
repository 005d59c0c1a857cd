import Execution
package import KernelABI
package import Replay
import TraceeControl
import TraceFormat

// Going forwards, as a user who looks on.
extension Timeline {
  /// Runs on until something stops it.
  package func runForward(_ stops: StopSet, isInterrupted: () -> Bool) throws -> TimelineStop {
    try goForward(stops, stepping: nil, isInterrupted)
  }

  /// Lets one thread execute one instruction. Others run as far as the recording has them run before that.
  package func stepForward(_ tid: Tid, _ stops: StopSet, isInterrupted: () -> Bool) throws -> TimelineStop {
    try goForward(stops, stepping: tid, isInterrupted)
  }

  private func goForward(_ stops: StopSet, stepping tid: Tid?, _ isInterrupted: () -> Bool) throws -> TimelineStop {
    var control = stops.control()
    control.steppedTid = tid
    control.tickBudget = Self.sliceTicks
    session.isVisible = true
    session.noteWatchedValues(control.watches)
    try currentTracee?.isFresh = false
    var count = 0
    while true {
      if let stop = try stopBeforeExit() { return stop }
      let progress = try advance(control)
      if let stop = try stop(for: progress, stops, stepping: tid) { return stop }
      try makeCheckpointIfDue()
      count += 1
      if case .event = progress, !count.isMultiple(of: 64) { continue }
      if isInterrupted() { return try stop(.interrupted) }
    }
  }

  /// Before a process's last thread is gone: what is there can be looked at once more. Where nobody is left behind,
  /// that is the end.
  private func stopBeforeExit() throws -> TimelineStop? {
    guard let next = try nextEvent else { return try stop(.historyEnd) }
    guard case .exit(let rawStatus) = next.kind, let tracee = session.tracees[next.tid] else { return nil }
    if session.tracees.count == 1 { return try stop(.historyEnd) }
    let process = tracee.tracee.threadGroup
    guard !isAtEvent, process.tracees.count == 1 else { return nil }
    standAtEvent()
    return try stop(.processExit(process: process.recordedID, rawStatus: rawStatus))
  }

  private func stop(_ reason: TimelineStop.Reason, _ tid: Tid? = nil) throws -> TimelineStop {
    let current = try currentTracee?.recordedTid ?? session.tracees.keys.min()
    return TimelineStop(point: try point, tid: tid ?? current ?? Tid(0), reason: reason)
  }

  private func stop(
    for progress: ReplayProgress, _ stops: StopSet, stepping tid: Tid?
  ) throws -> TimelineStop? {
    switch progress {
    case .ended: return try stop(.historyEnd)
    case .event(let event, let touched):
      if let stop = try stop(behind: event) { return stop }
      if let watch = touched.first { return try stop(watchReason(watch, stops), event.tid) }
      let isStepped = event.tid == tid && event.endsStep
      return isStepped ? try stop(.step, tid) : nil
    case .paused(.ticks): return nil
    case .paused(.step): return try stop(.step)
    case .paused(.breakpoint): return try stop(.breakpoint(isHardware: isHardwareBreakpoint(stops)))
    case .paused(.watchpoint(let indices)): return try stop(watchReason(indices.first ?? 0, stops))
    case .paused(.signal(let signal)):
      return stops.passedSignals.contains(signal.rawValue) ? nil : try stop(.signal(signal.rawValue))
    }
  }

  /// What debuggers are told of the process tree.
  private func stop(behind event: TraceEvent) throws -> TimelineStop? {
    switch event.kind {
    case .imageStart where event.number > beginEvent:
      return try stop(.exec, event.tid)
    case .syscall(let call):
      guard let newTid = call.newTid, let child = session.tracees[newTid], let parent = session.tracees[event.tid],
        child.tracee.threadGroup !== parent.tracee.threadGroup
      else { return nil }
      return try stop(.fork(child: newTid), event.tid)
    default:
      return nil
    }
  }

  func isHardwareBreakpoint(_ stops: StopSet) throws -> Bool {
    guard let tracee = try currentTracee else { return false }
    return stops.stopping(tracee, try tracee.tracee.registers())?.kind == .hardware
  }

  func watchReason(_ index: Int, _ stops: StopSet) -> TimelineStop.Reason {
    let watchpoints = stops.watchpoints
    guard index < watchpoints.count else { return .step }
    return .watchpoint(watchpoints[index].kind, address: watchpoints[index].address)
  }
}

extension TraceEvent {
  /// Whether a thread that makes a step has made it when this event is done.
  fileprivate var endsStep: Bool {
    switch kind {
    case .syscall(let call): call.phase != .entry
    case .signal, .instruction, .imageStart: true
    case .preemption, .exit, .checkpointSaved, .checkpointLoaded, .note, .end: false
    }
  }
}
