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

  struct Place {
    /// The event behind which that is.
    var event: UInt64
    var process: Tid?
    /// Where the code behind the event is about to die of a signal.
    var isAtSignal = false
  }

  func place(_ processes: RecordedProcesses, lastEvent: UInt64, _ index: EventIndex) throws -> Place {
    var first: UInt64 = 1
    var pid: Tid?
    var end = lastEvent
    switch process {
    case nil: break
    case .executed(let name):
      guard let image = processes.firstImage(name) else {
        throw DebugError("no process '\(name)' executes a program in this recording; 'rrs ps' lists them", number: 2)
      }
      first = image.event
      pid = image.tid
      end = processes.end(of: image.tid) ?? end
    case .forked(let child):
      guard processes.fork(child) != nil else {
        throw DebugError("no process \(child) was forked in this recording; 'rrs ps' lists them", number: 2)
      }
      first = try processes.firstEvent(of: child, index)
      end = processes.end(of: child) ?? end
      pid = child
    }
    if let event, event > lastEvent {
      throw DebugError("the recording ends before event \(event): its last event is \(lastEvent)", number: 2)
    }
    guard atExit else { return Place(event: min(max(first, event ?? first), max(lastEvent, 1)), process: pid) }
    end = try index.lastUsefulEvent(upTo: end, from: first)
    if end > first, case .signal? = try index.event(end)?.kind {
      return Place(event: end - 1, process: pid, isAtSignal: true)
    }
    return Place(event: end, process: pid)
  }
}
