package import Execution
package import KernelABI
package import Replay
package import TraceFormat
import TraceeControl

/// A debugger's view of a recording: the timeline, what stops on it, the checkpoints that the user made, and functions
/// of the program that are called for the user's sake.
package final class DebugSession: RecordingView {
  let timeline: Timeline
  package let reader: TraceReader
  package let processes: RecordedProcesses
  package let files: RecordedFiles
  package let layout: ExtendedStateLayout
  var stops = StopSet()
  package private(set) var currentStop: DebugStop
  /// Where `run` without a number goes.
  private let start: (point: TimePoint, stop: DebugStop)
  var userCheckpoints: [Int: UserCheckpoint] = [:]
  var lastCheckpointNumber = 0
  var history = PlaceHistory()
  var diversion: Diversion?
  /// How often the debugger has looked at a signal's information, as it does before it calls a function, without having
  /// given it back. Where a function's argument needs another function's call, that one is within.
  private var diversionDepth = 0

  /// A checkpoint with a number.
  struct UserCheckpoint {
    var checkpoint: TimeCheckpoint
    var stop: DebugStop
    /// The debugger's words for the place.
    var place: String
  }

  /// Begins where `beginning` says; on the way to places `startsFromSaved`: from the nearest of the checkpoints that
  /// were `saved`. Throws `DebugError` where there is no such place.
  package init(
    _ session: ReplaySession, beginning: DebugBeginning = DebugBeginning(), layout: ExtendedStateLayout,
    saved: SavedCheckpoints, startsFromSaved: Bool = true, isInterrupted: () -> Bool = { false }
  ) throws {
    reader = session.reader
    guard session.engine.tickUnit == .nonForwardTransfers else {
      throw DebugError(
        "this trace counts \(session.reader.header.tickDefinition == .none ? "no ticks" : "conditional branches"): "
          + "it can be replayed with -a, not debugged; record with --engine=software")
    }
    processes = try RecordedProcesses(reader.traceeCursor())
    files = try RecordedFiles(reader)
    self.layout = layout
    timeline = try Timeline(
      session: session, index: try EventIndex(directory: reader.directory), saved: saved,
      startsFromSaved: startsFromSaved)
    let place = try beginning.place(processes, lastEvent: reader.lastEventNumber, timeline.index)
    try timeline.seek(afterEvent: place.event, isInterrupted: isInterrupted)
    var reason = DebugStop.Reason.signal(0)
    if place.isAtSignal {
      let stop = try timeline.runForward(StopSet(), isInterrupted: isInterrupted)
      if case .signal(let number) = stop.reason { reason = .signal(number) }
    }
    // Another process may be the next to run.
    var tracee = try timeline.currentTracee ?? timeline.session.tracees.values.min { $0.recordedTid < $1.recordedTid }
    if let process = place.process, tracee?.tracee.threadGroup.recordedID != process {
      tracee = timeline.session.tracee(ofProcess: process) ?? tracee
    }
    let tid = tracee?.recordedTid ?? Tid(0)
    let thread = ThreadIdentity(
      process: (tracee?.tracee.threadGroup.recordedID ?? tid).rawValue, thread: tid.rawValue)
    currentStop = DebugStop(thread: thread, reason: reason)
    start = (try timeline.point, currentStop)
    try timeline.makeCheckpoint()
  }

  /// Ends all processes.
  package func end() {
    diversion?.end()
    timeline.end()
  }

  package var index: EventIndex { timeline.index }
  package var session: ReplaySession { diversion?.session ?? timeline.session }

  // MARK: - Going somewhere

  package func insert(_ breakpoint: Breakpoint) throws(DebugError) {
    let address = RemotePointer(breakpoint.address)
    let isKnown = !readMemory(breakpoint.process, breakpoint.address, count: 1).isEmpty
    guard breakpoint.isWatch || isKnown || files.wasEverMapped(address) else {
      throw DebugError("there is no code at \(address), here or elsewhere in the recording", number: 14)
    }
    stops.insert(breakpoint)
  }

  package func remove(_ breakpoint: Breakpoint) { stops.remove(breakpoint) }

  package func setPassedSignals(_ signals: Set<Int32>) { stops.passedSignals = signals }

  package func resume(
    _ request: ResumeRequest, isInterrupted: () -> Bool
  ) throws(DebugError) -> DebugStop {
    // All functions have returned: what was only looked at needn't be given back.
    if diversion?.isBack(at: timeline.session) ?? false { endDiversion() }
    if let diversion {
      guard request.direction == .forward else {
        throw DebugError("a function that was called for the debugger runs forwards only")
      }
      let stop = try debugging { try diversion.resume(request.steppedThread, stops, isInterrupted) }
      currentStop = DebugStop(thread: identity(diversion.tracee), reason: stop)
      return currentStop
    }
    endDiversion()
    return try debugging {
      timeline.beginEvent =
        try request.processes.map { try processes.firstEvent(of: Tid($0), timeline.index) }.min() ?? 1
      let stop: TimelineStop
      switch (request.direction, request.steppedThread) {
      case (.forward, nil): stop = try timeline.runForward(stops, isInterrupted: isInterrupted)
      case (.forward, let thread?):
        stop = try timeline.stepForward(Tid(thread.thread), stops, isInterrupted: isInterrupted)
      case (.backward, nil): stop = try timeline.runBackward(stops, isInterrupted: isInterrupted)
      case (.backward, let thread?):
        stop = try timeline.stepBackward(Tid(thread.thread), isInterrupted: isInterrupted)
      }
      return arrive(debugStop(stop))
    }
  }

  package func go(to place: DebugPlace, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop {
    endDiversion()
    return try debugging {
      switch place {
      case .start:
        try timeline.seek(to: start.point, isInterrupted: isInterrupted)
        return arrive(start.stop)
      case .event(let number):
        guard number <= reader.lastEventNumber else {
          throw DebugError("the recording ends before event \(number): its last event is \(reader.lastEventNumber)")
        }
        let event = min(max(number, 1), try index.lastUsefulEvent(upTo: reader.lastEventNumber))
        try timeline.seek(afterEvent: event, isInterrupted: isInterrupted)
        return try arriveHere()
      case .checkpoint(let number):
        guard let known = userCheckpoints[number] else { throw DebugError("No checkpoint number \(number).") }
        try timeline.restore(known.checkpoint)
        return arrive(known.stop)
      case .ticks(let ticks):
        let stage = try stage(ofTick: ticks, Tid(currentStop.thread.thread))
        try timeline.seek(toTick: ticks, inStage: stage, isInterrupted: isInterrupted)
        return try arriveHere()
      case .history(let number):
        guard let place = history.place(number) else { throw DebugError("there is no place \(number)") }
        try timeline.seek(to: place.point, isInterrupted: isInterrupted)
        return arrive(place.stop)
      }
    }
  }

  /// The code in which a thread comes to a tick: what the events before and behind it are.
  private func stage(ofTick ticks: UInt64, _ tid: Tid) throws -> UInt64 {
    var number = timeline.session.eventCount
    while number > 1, let entry = try timeline.index.event(number), entry.tid != tid || entry.kind != .imageStart {
      number -= 1
    }
    while number < reader.lastEventNumber, let entry = try timeline.index.event(number + 1) {
      number += 1
      if entry.tid == tid, entry.ticks >= ticks, entry.kind != .imageStart { return number - 1 }
    }
    throw DebugError("thread \(tid) doesn't come to tick \(ticks)")
  }

  private func arriveHere() throws -> DebugStop {
    let tracee = try timeline.currentTracee ?? timeline.session.tracees.values.min { $0.recordedTid < $1.recordedTid }
    guard let tracee else { throw DebugError("no process is left there") }
    return arrive(DebugStop(thread: identity(tracee), reason: .signal(0)))
  }

  private func arrive(_ stop: DebugStop) -> DebugStop {
    currentStop = stop
    return stop
  }

  private func debugStop(_ stop: TimelineStop) -> DebugStop {
    var thread = ThreadIdentity(process: currentStop.thread.process, thread: stop.tid.rawValue)
    if let tracee = timeline.session.tracees[stop.tid] { thread = identity(tracee) }
    let reason: DebugStop.Reason =
      switch stop.reason {
      case .breakpoint(let isHardware): .breakpoint(isHardware: isHardware)
      case .watchpoint(let kind, let address): .watchpoint(kind, address: address)
      case .step: .step
      case .signal(let number): .signal(number)
      case .interrupted: .interrupted
      case .historyBegin: .historyBegin
      case .historyEnd: .historyEnd
      case .exec: .exec(path: executablePath(thread.process) ?? "")
      // Of a vfork, too: breakpoints aren't in the memory that the two share, and gdb, which waits for the end of a
      // vfork, doesn't know that one can go back before its beginning.
      case .fork(let child): .fork(child: ThreadIdentity(process: child.rawValue, thread: child.rawValue))
      case .processExit(_, let rawStatus): .processExit(rawStatus: rawStatus)
      }
    if case .processExit(let process, _) = stop.reason { thread.process = process.rawValue }
    return DebugStop(thread: thread, reason: reason)
  }

  // MARK: - Diversions

  func announceDiversion() { diversionDepth += 1 }

  /// The debugger gives back what it had announced.
  func leaveDiversion() {
    diversionDepth -= 1
    if diversionDepth <= 0 { endDiversion() }
  }

  /// The diversion that writes go to: one begins where it was announced.
  func requireDiversion(_ what: String, _ thread: Tid?) throws(DebugError) -> Diversion {
    if let diversion { return diversion }
    guard diversionDepth > 0 else {
      throw DebugError("\(what) of a recording can't be changed, except by a function that you call", number: 30)
    }
    let made = try debugging { try Diversion(timeline.session, thread ?? Tid(currentStop.thread.thread)) }
    diversion = made
    return made
  }

  func endDiversion() {
    diversionDepth = 0
    guard let diversion else { return }
    diversion.end()
    self.diversion = nil
    if let tracee = timeline.session.tracees[Tid(currentStop.thread.thread)] {
      currentStop = DebugStop(thread: identity(tracee), reason: .signal(0))
    }
  }
}
