package import KernelABI
import TraceFormat

/// Where a debugger begins: `-g`, `-p`, `-f` and `-e` of `rrs replay`.
package struct DebugBeginning: Sendable {
  package enum Process: Equatable, Sendable {
    /// One that has executed a program: by its number, or the program's name or path.
    case executed(String)
    /// One that was forked and goes on with its parent's program.
    case forked(Tid)
  }

  package var process: Process?
  /// When this event is done, or as soon as the process is there.
  package var event: UInt64?
  /// At the end of the process, or of the recording.
  package var atExit = false

  package init() {}

  /// The process looked at.
  func process(_ processes: RecordedProcesses) -> Tid? {
    switch process {
    case nil: nil
    case .executed(let name): processes.firstImage(name)?.tid
    case .forked(let pid): pid
    }
  }

  /// The event behind which that is.
  func event(_ processes: RecordedProcesses, lastEvent: UInt64, _ index: EventIndex) throws -> UInt64 {
    var first: UInt64 = 1
    var end = lastEvent
    switch process {
    case nil: break
    case .executed(let name):
      guard let image = processes.firstImage(name) else {
        throw DebugError("no process '\(name)' executes a program in this recording; 'rrs ps' lists them", number: 2)
      }
      first = image.event
      end = processes.end(of: image.tid) ?? end
    case .forked(let pid):
      guard let birth = processes.fork(pid) else {
        throw DebugError("no process \(pid) was forked in this recording; 'rrs ps' lists them", number: 2)
      }
      first = try firstEvent(of: pid, after: birth.event, index) ?? birth.event
      end = processes.end(of: pid) ?? end
    }
    if let event, event > lastEvent {
      throw DebugError("the recording ends before event \(event): its last event is \(lastEvent)", number: 2)
    }
    guard atExit else { return min(max(first, event ?? first), max(lastEvent, 1)) }
    // What comes last are the deaths themselves, and the end.
    while end > first, let entry = try index.event(end), entry.kind.isExit || entry.kind == .other { end -= 1 }
    return end
  }

  /// A child's first event is its own return from the call that made it: it is there, and runs next.
  private func firstEvent(of pid: Tid, after birth: UInt64, _ index: EventIndex) throws -> UInt64? {
    var number = birth + 1
    while let entry = try index.event(number) {
      if entry.tid == pid { return number }
      number += 1
    }
    return nil
  }
}
