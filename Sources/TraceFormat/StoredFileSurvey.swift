/// Checks the stored files of a trace on several threads side by side.
final class StoredFileSurvey: @unchecked Sendable {
  struct Job {
    var name: String
    /// The first mapping of it.
    var mapping: MappingRecord
  }

  private let monitor = Monitor()
  private var jobs: [Job]
  private var found: [(mapping: MappingRecord, damage: TraceDamage)] = []
  private let storage: TraceStorage
  private let onBytes: (Int) -> Void

  /// `onBytes` is called on any thread.
  init(_ jobs: [Job], in storage: TraceStorage, onBytes: @escaping (Int) -> Void) {
    self.storage = storage
    // The largest are taken first, from the end: so that no thread is left with one when the others are done.
    self.jobs = jobs.sorted { $0.mapping.fileSize < $1.mapping.fileSize }
    self.onBytes = onBytes
  }

  /// Takes files until there are no more. Every thread that has time calls it.
  func work() {
    while let job = take() {
      guard let damage = storage.damage(ofStoredFile: job.name, for: job.mapping, onBytes: onBytes) else { continue }
      monitor.lock()
      found.append((job.mapping, damage))
      monitor.unlock()
    }
  }

  private func take() -> Job? {
    monitor.lock()
    defer { monitor.unlock() }
    return jobs.popLast()
  }

  /// In order of the events that need them. Preconditions: all threads have returned from `work`.
  var damages: [(mapping: MappingRecord, damage: TraceDamage)] {
    found.sorted { ($0.mapping.event, $0.damage.file) < ($1.mapping.event, $1.damage.file) }
  }
}
