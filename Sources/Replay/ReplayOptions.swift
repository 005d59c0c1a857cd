package import KernelABI

/// What `rrs replay -a` was asked for.
package struct ReplayOptions: Sendable {
  package var traceDirectory = ""
  /// `-q` clears it: show what tracees wrote to stdout and stderr.
  package var showOutput = true
  /// `--tty`: a descriptor to show the output on instead of stdout and stderr.
  package var outputDescriptor: Int32?
  /// `-g`: stop when this event is done; nil replays all.
  package var stopAfterEvent: UInt64?
  /// `-t`: single-step and print registers to stderr from this event on.
  package var traceFromEvent: UInt64?
  /// `--stats`: print statistics to stderr every N events; 0 is off.
  package var statisticsInterval: UInt64 = 0
  /// `-M`
  package var markStdio = false
  /// `-u` sets it: don't bind to a processor.
  package var cpuUnbound = false
  /// `-F`: go on where a precondition looks wrong (a changed file, another processor).
  package var force = false
  /// Called now and then with (events done, fraction done in 0...1), for a progress bar.
  package var onProgress: (@Sendable (UInt64, Double) -> Void)?

  package init() {}
}

/// How a replay ended.
package struct ReplayOutcome: Sendable {
  /// Events replayed.
  package var eventCount: UInt64
  /// The trace has no end: the recorder was killed, or the disk was full.
  package var isCutShort: Bool
  /// The recorded exit of the first process, nil where the trace ends before it.
  package var status: WaitStatus?
  package var stopCount: UInt64
  package var notes: [String]

  package init(eventCount: UInt64, isCutShort: Bool, status: WaitStatus?, stopCount: UInt64, notes: [String]) {
    self.eventCount = eventCount
    self.isCutShort = isCutShort
    self.status = status
    self.stopCount = stopCount
    self.notes = notes
  }
}

/// Replay differs from the recording. Carries the whole report, ready to print.
package struct Divergence: Error, CustomStringConvertible {
  package var event: UInt64
  package var report: String

  package init(event: UInt64, report: String) {
    self.event = event
    self.report = report
  }

  package var description: String { report }
}

/// Why a replay could not start.
package enum ReplayError: Error, CustomStringConvertible {
  case unusableTrace(String)
  case unavailable(String)
  case internalError(String)

  package var description: String {
    switch self {
    case .unusableTrace(let text), .unavailable(let text), .internalError(let text): text
    }
  }
}
