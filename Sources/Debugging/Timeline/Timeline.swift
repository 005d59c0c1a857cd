import Execution
package import KernelABI
package import Replay
import TraceeControl
import TraceFormat

/// A recording as a line of time points: the replay stands at one of them, and can be brought to any other.
///
/// Going back means to go forward from a checkpoint before: a copy of the replay's processes that stands still.
package final class Timeline {
  package private(set) var session: ReplaySession
  package private(set) var index: EventIndex
  var spacing = CheckpointSpacing()
  /// In order of their points. The first is before the first event.
  private(set) var checkpoints: [TimeCheckpoint] = []
  /// What has been scanned for stops.
  var scanned = ScanMemory()
  /// How far the replay is, in about two nanoseconds of native execution each.
  private(set) var work: UInt64 = 0
  /// The tracee of the next event has come to where that happens.
  private(set) var isAtEvent = false
  /// Going backwards it has come to memory that the delivery of a signal touched: the signal's own stop comes next.
  var hasPassedDelivery = false
  /// Nothing has run since the last event.
  private(set) var isAtStageStart = true

  /// The event with which history begins: at first that which puts the first image in place.
  package var beginEvent: UInt64 = 1

  /// Checkpoints made so far. To ask for their memory takes time: it is done at every few.
  private var madeCount = 0
  private static let measuringInterval = 4

  /// What one event is worth in ticks.
  private static let eventWork: UInt64 = 20_000
  /// Ticks between two looks at whether the debugger wants to interrupt.
  static let sliceTicks: UInt64 = 4_000_000

  /// The recording's persistent checkpoints.
  private let saved: SavedCheckpoints?
  /// Whether the way to a place may begin at one of those.
  private let startsFromSaved: Bool

  package init(
    session: ReplaySession, index: EventIndex, saved: SavedCheckpoints? = nil, startsFromSaved: Bool = true
  ) throws {
    self.session = session
    self.index = index
    self.saved = saved
    self.startsFromSaved = startsFromSaved
    checkpoints = [TimeCheckpoint(point: TimePoint(event: 0), work: 0, session: try session.copy())]
  }

  /// Ends all processes.
  package func end() {
    session.killAll()
    for checkpoint in checkpoints { checkpoint.session.killAll() }
    checkpoints = []
  }

  /// Goes on in a recording that has grown since it was opened.
  package func follow() throws {
    let directory = session.reader.directory
    try session.follow(try TraceReader(directory: directory))
    index = try EventIndex(directory: directory)
  }

  // MARK: - The present

  /// The event whose code runs now; nil at the end.
  var nextEvent: EventIndex.Entry? {
    get throws { try index.event(session.eventCount + 1) }
  }

  /// The tracee that runs now.
  package var currentTracee: ReplayTracee? {
    get throws { try nextEvent.flatMap { session.tracees[$0.tid] } }
  }

  package var point: TimePoint {
    get throws {
      guard let tracee = try currentTracee else { return TimePoint(event: session.eventCount) }
      return TimePoint(
        event: session.eventCount, ticks: session.engine.ticks(of: tracee.tracee),
        programCounter: try tracee.tracee.registers().rip, isAtEvent: isAtEvent)
    }
  }

  // MARK: - Moving the replay

  /// One piece of replay, with the books kept.
  func advance(_ control: CodeControl? = nil) throws -> ReplayProgress {
    hasPassedDelivery = false
    let tracee = try currentTracee
    let before = tracee.map { session.engine.ticks(of: $0.tracee) } ?? 0
    let progress = try session.advance(control)
    let after = tracee.map { session.engine.ticks(of: $0.tracee) } ?? 0
    if after > before { work += after - before }
    switch progress {
    case .event:
      work += Self.eventWork
      isAtEvent = false
      isAtStageStart = true
    case .paused(let pause):
      if case .signal = pause { isAtEvent = true }
      isAtStageStart = false
    case .ended: break
    }
    return progress
  }

  /// Nothing is left to run before the next event, an exit.
  func standAtEvent() { isAtEvent = true }

  // MARK: - Checkpoints

  /// Makes a checkpoint here, unless there is one.
  @discardableResult
  func makeCheckpoint(isKept: Bool = false) throws -> TimeCheckpoint {
    let here = try point
    let place = checkpoints.firstIndex { $0.point >= here } ?? checkpoints.count
    if place < checkpoints.count, checkpoints[place].point == here {
      if isKept { checkpoints[place].keepCount += 1 }
      return checkpoints[place]
    }
    let checkpoint = TimeCheckpoint(point: here, work: work, session: try session.copy())
    checkpoint.isAtEvent = isAtEvent
    checkpoint.isAtStageStart = isAtStageStart
    if isKept { checkpoint.keepCount = 1 }
    checkpoints.insert(checkpoint, at: place)
    thinOut(present: checkpoint)
    return checkpoint
  }

  func makeCheckpointIfDue() throws {
    let here = try point
    guard let last = checkpoints.last(where: { $0.point <= here }) else { return }
    if spacing.isDue(at: work, last: last.work) { try makeCheckpoint() }
  }

  /// Drops what are too many checkpoints, or too large ones. The user's stay.
  private func thinOut(present: TimeCheckpoint) {
    madeCount += 1
    let isMeasured = madeCount.isMultiple(of: Self.measuringInterval)
    var byteCount = isMeasured ? checkpoints.reduce(0) { $0 + $1.ownByteCount } : 0
    while true {
      let internals = checkpoints.filter { $0.keepCount == 0 || $0 === checkpoints.first }
      let works = internals.map(\.work)
      guard
        let victim = spacing.victim(of: works, present: present.work, byteCount: byteCount).map({ internals[$0] }),
        victim !== present
      else { return }
      let freed = byteCount == 0 ? 0 : victim.ownByteCount
      drop(victim)
      byteCount -= min(freed, byteCount)
    }
  }

  private func drop(_ checkpoint: TimeCheckpoint) {
    checkpoints.removeAll { $0 === checkpoint }
    checkpoint.session.killAll()
  }

  /// Gives up one keeping of a checkpoint.
  func release(_ checkpoint: TimeCheckpoint) {
    checkpoint.keepCount -= 1
    if checkpoint.keepCount == 0, checkpoint !== checkpoints.first { drop(checkpoint) }
  }

  /// Goes to a checkpoint, which stays.
  func restore(_ checkpoint: TimeCheckpoint) throws {
    let new = try checkpoint.session.copy()
    new.isVisible = session.isVisible
    session.killAll()
    session = new
    work = checkpoint.work
    isAtEvent = checkpoint.isAtEvent
    hasPassedDelivery = false
    isAtStageStart = checkpoint.isAtStageStart
    try session.takeReader()
  }

  /// The last one in memory.
  func lastCheckpoint(upTo point: TimePoint) -> TimeCheckpoint? { checkpoints.last { $0.floor <= point } }

  /// The last one to start from, which may be a persistent one.
  func bestCheckpoint(before point: TimePoint) throws -> TimeCheckpoint? {
    try best { $0.timePoint < point } isFit: { $0.point < point }
  }
  func bestCheckpoint(upTo point: TimePoint) throws -> TimeCheckpoint? {
    try best { $0.floor <= point } isFit: { $0.floor <= point }
  }

  private func best(
    _ isSavedFit: (SavedPlace) -> Bool, isFit: (TimeCheckpoint) -> Bool
  ) throws -> TimeCheckpoint? {
    let known = checkpoints.last(where: isFit)
    guard startsFromSaved else { return known }
    while let place = saved?.last(where: isSavedFit), known.map({ place.timePoint > $0.point }) ?? true {
      if let restored = try restore(place) { return restored }
    }
    return known
  }

  /// Makes a persistent checkpoint one in memory. Nil where it can't be used, which is said, and it is forgotten.
  func restore(_ place: SavedPlace, isKept: Bool = false) throws -> TimeCheckpoint? {
    let point = place.timePoint
    if let known = checkpoints.first(where: { $0.point == point }) {
      if isKept { known.keepCount += 1 }
      return known
    }
    guard let restored = saved?.restore(place, beside: session) else { return nil }
    let checkpoint = TimeCheckpoint(point: point, work: place.work, session: restored)
    checkpoint.isAtEvent = place.isAtEvent
    checkpoint.isAtStageStart = place.isAtStageStart
    if isKept { checkpoint.keepCount = 1 }
    checkpoints.insert(checkpoint, at: checkpoints.firstIndex { $0.point > point } ?? checkpoints.count)
    thinOut(present: checkpoint)
    return checkpoint
  }

  /// The earliest point that this place is as good as: where the code between two events begins, all points of that
  /// code lie ahead, whatever its first tick and address are.
  var floor: TimePoint { get throws { isAtStageStart ? TimePoint(event: session.eventCount) : try point } }
}

/// A place that the timeline can come back to at once.
final class TimeCheckpoint {
  let point: TimePoint
  let work: UInt64
  let session: ReplaySession
  var isAtEvent = false
  var isAtStageStart = true
  /// How many of the user's checkpoints it is.
  var keepCount = 0

  init(point: TimePoint, work: UInt64, session: ReplaySession) {
    self.point = point
    self.work = work
    self.session = session
  }

  /// The memory of its processes that no other process shares, in bytes: what dropping it gives back.
  var ownByteCount: UInt64 {
    Set(session.tracees.values.map(\.tracee.threadGroup.id)).reduce(0) { $0 + ProcFS.privateByteCount($1) }
  }

  /// As `Timeline.floor`.
  var floor: TimePoint { isAtStageStart ? TimePoint(event: point.event) : point }
}
