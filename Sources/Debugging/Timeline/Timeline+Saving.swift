package import KernelABI
package import Replay
package import TraceFormat

// Persistent checkpoints of a timeline.
extension Timeline {
  /// Saves where the timeline stands.
  package func save(in store: CheckpointStore) throws -> SavedPlace {
    try session.save(
      place(point, work: work, isAtStageStart: isAtStageStart), in: store)
  }

  /// Saves a checkpoint in memory.
  func save(
    _ checkpoint: TimeCheckpoint, in store: CheckpointStore, number: Int, label: String, thread: ThreadIdentity
  ) throws -> SavedPlace {
    var place = place(checkpoint.point, work: checkpoint.work, isAtStageStart: checkpoint.isAtStageStart)
    place.number = UInt32(number)
    place.label = label
    place.thread = thread
    return try checkpoint.session.save(place, in: store)
  }

  private func place(_ point: TimePoint, work: UInt64, isAtStageStart: Bool) -> SavedPlace {
    var place = SavedPlace(
      event: point.event, ticks: point.ticks, programCounter: point.programCounter, rootTid: Tid(0))
    place.isAtEvent = point.isAtEvent
    place.isAtStageStart = isAtStageStart
    place.work = work
    return place
  }
}

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

  private let timeline: Timeline
  private let schedule: Schedule
  private let store: CheckpointStore
  /// Told of the events done, and of each checkpoint.
  package var onProgress: (UInt64) -> Void = { _ in }
  package var onSave: (SavedPlace) -> Void = { _ in }
  package var now: () -> UInt64

  package init(_ timeline: Timeline, _ schedule: Schedule, in store: CheckpointStore, now: @escaping () -> UInt64) {
    self.timeline = timeline
    self.schedule = schedule
    self.store = store
    self.now = now
  }

  package func run() throws {
    switch schedule {
    case .at(let events):
      for event in events {
        try timeline.seek(afterEvent: event)
        try save()
      }
    case .events(let interval):
      try replay { timeline.isAtStageStart && timeline.session.eventCount.isMultiple(of: interval) }
    case .time(let interval):
      let last = try timeline.index.lastUsefulEvent(upTo: timeline.index.lastEventNumber)
      var due = now() + interval
      try replay {
        guard now() >= due || timeline.isAtStageStart && timeline.session.eventCount + 1 == last else { return false }
        due = now() + interval
        return true
      }
    }
  }

  private func replay(_ isDue: () -> Bool) throws {
    while true {
      var control = CodeControl()
      control.tickBudget = Timeline.sliceTicks
      if case .ended = try timeline.advance(control) { return }
      onProgress(timeline.session.eventCount)
      guard isDue(), try timeline.currentTracee != nil else { continue }
      try save()
    }
  }

  private func save() throws { onSave(try timeline.save(in: store)) }
}
