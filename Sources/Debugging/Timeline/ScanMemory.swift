package import Replay

/// What going backwards has learned of the recording: which pieces were scanned for which stops, and what was found. A
/// second look at the same piece needs no replay.
package struct ScanMemory {
  package struct Interval {
    package var start: TimePoint
    package var end: TimePoint
    /// In order; each lies in start..<end.
    package var hits: [ScanHit]

    package init(start: TimePoint, end: TimePoint, hits: [ScanHit]) {
      self.start = start
      self.end = end
      self.hits = hits
    }
  }

  private var intervals: [Interval] = []
  private var identity: [UInt8] = []

  package init() {}

  /// Forgets what was found for other stops.
  package mutating func use(_ identity: [UInt8]) {
    guard identity != self.identity else { return }
    self.identity = identity
    intervals = []
  }

  package mutating func add(_ interval: Interval) {
    guard interval.start < interval.end else { return }
    intervals.append(interval)
  }

  /// The last known hit before `end`, or, as far as nothing was hit, how far back that is known.
  package func lastHit(before end: TimePoint) -> (hit: ScanHit?, knownFrom: TimePoint) {
    var known = end
    while let interval = intervals.last(where: { $0.start < known && known <= $0.end }) {
      if let hit = interval.hits.last(where: { $0.isBefore(known) }) { return (hit, known) }
      known = interval.start
    }
    return (nil, known)
  }
}

/// A stop that was found while scanning: where going backwards stops.
package struct ScanHit: Equatable, Sendable {
  package var point: TimePoint
  package var reason: TimelineStop.Reason
  /// Of watched memory that code touched: the place behind the instruction, which is somewhere between `point` and
  /// that.
  package var behind: TimePoint?

  package init(point: TimePoint, reason: TimelineStop.Reason, behind: TimePoint? = nil) {
    self.point = point
    self.reason = reason
    self.behind = behind
  }

  /// Whether going backwards from `end` comes by it.
  func isBefore(_ end: TimePoint) -> Bool { behind.map { $0 <= end } ?? (point < end) }
}
