import Execution
import KernelABI
import Replay
import TraceFormat

// Commands that only say where the replay stands.
extension RecordingView {
  /// Nil: it isn't one of these.
  func answerAboutPlace(_ name: String, _ thread: ThreadIdentity) throws -> String? {
    switch name {
    case "when": "Completed event: \(session.eventCount)"
    case "when-ticks": "Current tick: \(ticks(thread))"
    case "when-tid": "Current tid: \(thread.thread)"
    case "when-end": "Event at end of recording: \(reader.lastEventNumber)"
    case "elapsed-time": "Elapsed Time (s): \(seconds(try nanoseconds() &- index.startNanoseconds))"
    case "absolute-time": "Absolute Time (s): \(seconds(try nanoseconds()))"
    case "info-recording", "info recording": "Path of recording: \"\(reader.directory)\""
    default: nil
    }
  }

  private func ticks(_ thread: ThreadIdentity) -> UInt64 {
    session.tracees[Tid(thread.thread)].map { session.engine.ticks(of: $0.tracee) } ?? 0
  }

  /// Of the last event.
  private func nanoseconds() throws -> UInt64 {
    try index.event(session.eventCount)?.monotonicNanoseconds ?? index.startNanoseconds
  }

  private func seconds(_ nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000)
    return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 9 - fraction.count) + fraction
  }
}
