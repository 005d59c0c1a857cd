import KernelABI
package import Replay
package import TraceFormat

/// Goes through a recording, and saves checkpoints on the way.
package struct CheckpointCreation {
  package enum Schedule: Sendable {
    /// At every so many events.
    case events(UInt64)
    /// At every so many nanoseconds of replay, and before the last event at which something happens.
    case time(nanoseconds: UInt64)
    /// Where these events are done, in ascending order.
    case at([UInt64])
  }

  /// What is known of a recording that is still being made.
  package enum Growth {
    /// There may be more to come.
    case growing
    /// The recorder has said that this is all.
    case complete
    /// The recorder is gone, or wants no more.
    case abandoned
  }

  private let timeline: Timeline
  private let schedule: Schedule
  private let store: CheckpointStore
  private let now: () -> UInt64
  /// Told of the events done, and of each checkpoint.
  package var onProgress: (UInt64) -> Void = { _ in }
  package var onSave: (SavedPlace) -> Void = { _ in }
  /// Of a recording that is being made: asked between events, and where all that is known of was replayed, which may
  /// then wait a while.
  package var growth: (_ waits: Bool) -> Growth = { _ in .complete }

  /// As long as a recording grows, its last events are left for later: one of them may be the last.
  private static let heldBackCount: UInt64 = 64

  package init(_ timeline: Timeline, _ schedule: Schedule, in store: CheckpointStore, now: @escaping () -> UInt64) {
    self.timeline = timeline
    self.schedule = schedule
    self.store = store
    self.now = now
    lastSave.nanoseconds = now()
  }

  package func run() throws {
    switch schedule {
    case .at(let events):
      for event in events {
        try timeline.seek(afterEvent: event)
        try save()
      }
    case .events(let interval):
      try replay { _ in timeline.isAtStageStart && timeline.session.eventCount.isMultiple(of: interval) }
    case .time(let interval):
      try replay { last in
        now() >= lastSave.nanoseconds + interval
          || timeline.isAtStageStart && timeline.session.eventCount + 1 == last
      }
    }
  }

  /// When the last one had been saved, or the replay began: what saving takes doesn't count.
  private final class LastSave { var nanoseconds: UInt64 = 0 }
  private let lastSave = LastSave()

  /// `isDue` is told the last event at which something happens, once that is known.
  private func replay(_ isDue: (_ last: UInt64?) -> Bool) throws {
    var isComplete = false
    var last: UInt64?
    /// What was known before the recorder said so isn't all.
    func complete() throws {
      isComplete = true
      try timeline.follow()
      last = try lastUsefulEvent
    }
    if growth(false) == .complete { try complete() }
    while true {
      let known = timeline.index.lastEventNumber
      if timeline.session.eventCount >= (isComplete ? known : known - min(known, Self.heldBackCount)) {
        if isComplete { return }
        switch growth(true) {
        case .abandoned: return
        case .growing: try timeline.follow()
        case .complete: try complete()
        }
        continue
      }
      var control = CodeControl()
      control.tickBudget = Timeline.sliceTicks
      if case .ended = try timeline.advance(control) { return }
      onProgress(timeline.session.eventCount)
      if !isComplete, growth(false) == .abandoned { return }
      if isDue(last), try timeline.currentTracee != nil { try save() }
    }
  }

  private var lastUsefulEvent: UInt64 {
    get throws { try timeline.index.lastUsefulEvent(upTo: timeline.index.lastEventNumber) }
  }

  private func save() throws {
    onSave(try timeline.save(in: store))
    lastSave.nanoseconds = now()
  }
}
