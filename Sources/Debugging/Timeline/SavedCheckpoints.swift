package import KernelABI
package import Replay
package import TraceFormat

/// The persistent checkpoints of a recording, for a timeline to start from.
package final class SavedCheckpoints {
  package let store: CheckpointStore
  /// Those that can be used, as far as is known, in the order of their points.
  package private(set) var places: [SavedPlace]
  /// Told what is wrong with those that can't.
  private let onProblem: (String) -> Void

  /// `onProblem` gets a line for each that can't be used.
  package init(_ session: ReplaySession, onProblem: @escaping (String) -> Void) {
    store = CheckpointStore(session.reader)
    self.onProblem = onProblem
    let (found, problems) = session.canBeSaved ? store.list() : ([], [])
    // A trace that was cut and recovered may end before some.
    places = found.filter { $0.event <= session.reader.lastEventNumber }.sorted { $0.timePoint < $1.timePoint }
    for problem in problems { onProblem(Self.explanation("a checkpoint", problem)) }
  }

  private static func explanation(_ what: String, _ error: any Error) -> String {
    "\(what) can't be used, and is left out: \(error); `rrs rm --checkpoints` deletes the checkpoints of a trace"
  }

  func last(where isFit: (SavedPlace) -> Bool) -> SavedPlace? { places.last(where: isFit) }

  /// A session at the place. Nil where it can't be made: the checkpoint is then left out from here on.
  package func restore(_ place: SavedPlace, beside session: ReplaySession) -> ReplaySession? {
    do {
      let (checkpoint, pages) = try store.load(place.id)
      let restored = try session.restored(checkpoint, pages)
      store.noteLoad(place)
      return restored
    } catch {
      places.removeAll { $0.id == place.id }
      onProblem(Self.explanation("checkpoint \(place.id)", error))
      return nil
    }
  }

  /// In place of a session at the start of the recording, one as near before the code of event `number` as there is.
  package func start(_ session: ReplaySession, before number: UInt64) throws -> ReplaySession {
    let goal = TimePoint(event: number - 1)
    while let place = places.last(where: { $0.floor <= goal }) {
      guard let restored = restore(place, beside: session) else { continue }
      session.killAll()
      try restored.takeReader()
      return restored
    }
    return session
  }
}

extension SavedPlace {
  package var timePoint: TimePoint {
    TimePoint(event: event, ticks: ticks, programCounter: programCounter, isAtEvent: isAtEvent)
  }

  /// The earliest point that this is as good as, as `Timeline.floor`.
  package var floor: TimePoint { isAtStageStart ? TimePoint(event: event) : timePoint }
}
