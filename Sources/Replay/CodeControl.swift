package import Execution
package import KernelABI
package import TraceFormat
import TraceeControl

/// A place in a replay. Places are ordered as the replay comes by them.
///
/// Between two events one tracee alone runs: that of the next event. Its ticks only grow, and between two ticks so does
/// its program counter.
package struct TimePoint: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The events that are done.
  package var event: UInt64
  /// Of the tracee of the next event, as its program counter is.
  package var ticks: UInt64
  package var programCounter: UInt64
  /// The tracee has come to where the next event happens: of two places with equal numbers, the later one.
  package var isAtEvent: Bool

  package init(event: UInt64, ticks: UInt64 = 0, programCounter: UInt64 = 0, isAtEvent: Bool = false) {
    self.event = event
    self.ticks = ticks
    self.programCounter = programCounter
    self.isAtEvent = isAtEvent
  }

  package static func < (a: TimePoint, b: TimePoint) -> Bool {
    (a.event, a.ticks, a.programCounter, a.isAtEvent ? 1 : 0)
      < (b.event, b.ticks, b.programCounter, b.isAtEvent ? 1 : 0)
  }

  package var description: String {
    "(event \(event), ticks \(ticks), \(RemotePointer(programCounter))\(isAtEvent ? ", at the event" : ""))"
  }
}

/// Memory that a debugger watches.
package struct WatchedMemory: Hashable, Sendable {
  package enum Kind: Sendable { case write, read, access }

  /// The process, by its number at recording.
  package var process: Tid
  package var kind: Kind
  package var range: RemoteRange

  package init(process: Tid, kind: Kind, range: RemoteRange) {
    self.process = process
    self.kind = kind
    self.range = range
  }
}

/// What a debugger wants of the code that runs between events.
package struct CodeControl {
  /// The tracee that makes single steps.
  package var steppedTid: Tid?
  /// Where the tracee of the next event pauses: exactly at this tick.
  package var ticksMax: UInt64?
  /// How many ticks it may make before it pauses.
  package var tickBudget: UInt64?
  /// Addresses of code, by process, with conditions that the engine may look at.
  package var breakpoints: [Tid: [UInt64: ConditionProgram?]] = [:] { didSet { allBreakpoints = merged } }
  /// Whether a tracee that has come to a breakpoint pauses there.
  package var holds: (ReplayTracee) -> Bool = { _ in true }
  package var watches: [WatchedMemory] = []
  /// Pause before a signal is delivered.
  package var stopsAtSignals = false

  /// Those of all processes, which may share translations.
  package private(set) var allBreakpoints = CodeBreakpoints.none

  private var merged: CodeBreakpoints {
    var all: [UInt64: ConditionProgram?] = [:]
    for conditions in breakpoints.values {
      for (address, condition) in conditions {
        let isNew = all.index(forKey: address) == nil
        all.updateValue(isNew || all[address] == condition ? condition : nil, forKey: address)
      }
    }
    return CodeBreakpoints(all)
  }

  package init() {}
}

/// What a replay came to.
package enum ReplayProgress {
  /// It is done. Indices of the control's `watches` whose memory it changed.
  case event(TraceEvent, touched: [Int])
  /// The next event isn't done.
  case paused(ReplayPause)
  /// There are no events left.
  case ended
}

package enum ReplayPause: Equatable {
  /// Before the instruction.
  case breakpoint
  /// Behind the instruction that touched it. Indices of the control's `watches`.
  case watchpoint([Int])
  case step
  /// At the tick that was asked for, or soon after the budget's end.
  case ticks
  /// Before the signal of the next event is delivered.
  case signal(Signal)
}

/// Ends a piece of replay before its event is done. All that comes before it in the replay of an event can be done
/// again.
struct PausedReplay: Error { var pause: ReplayPause }
