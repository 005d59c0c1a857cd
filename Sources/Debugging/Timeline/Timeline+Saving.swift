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
