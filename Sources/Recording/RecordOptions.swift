package import KernelABI
import Scheduling
package import TraceFormat

/// What `rrs record` was asked for.
package struct RecordOptions {
  /// The program as given, looked up in PATH like execvp(3), and its arguments (`arguments[0]` is the program's name).
  package var program = ""
  package var arguments: [String] = []
  /// The tracee's whole environment, `NAME=VALUE` each.
  package var environment: [String] = []
  /// The trace's directory; it must exist and be empty. The caller chose and made it (`TraceDirectory`).
  package var traceDirectory = ""
  /// 16 bytes, or empty for a random one.
  package var traceID: [UInt8] = []
  /// `-w`: record until the last descendant is gone, not only the first process.
  package var waitForAll = false
  /// `-u` clears it: pin tracer and tracees to one processor.
  package var cpu: CPUChoice = .any
  /// `-c`: the longest time slice, in ticks.
  package var maxTimeSliceTicks: UInt64 = 2_500_000
  /// `-s`: another tracee at every event.
  package var alwaysSwitch = false
  /// `-h`: the seed of random scheduling; nil: none.
  package var chaosSeed: UInt64?
  /// `-t`: this signal is ignored where it would be fatal.
  package var continueThroughSignal: Signal?
  /// `-i`: this signal is never delivered.
  package var ignoredSignal: Signal?
  /// `--num-cores`: what the tracee sees; nil: one, or what chaos likes.
  package var coreCount: Int?
  /// `--cpu` and the options beginning with `--disable-`: what the program isn't told that the processor has.
  package var hiddenFeatures = HiddenFeatures()
  /// Keep address randomisation on.
  package var randomizeAddresses = false
  /// `--no-file-cloning`
  package var cloneFiles = true
  /// `-C`: a checksum of all writable memory at every N-th event; 0 is off.
  package var checksumInterval: UInt64 = 0
  /// `-M`: prefix what tracees write to stdout and stderr with `[rrs PID EVENT] `.
  package var markStdio = false
  /// Called once, when the program has been started (its exec succeeded).
  package var onStart: () -> Void = {}

  package enum CPUChoice: Equatable, Sendable {
    case unbound
    case any
    case number(Int)
  }

  package init() {}

  var schedulingPolicy: Scheduler.Policy {
    if let chaosSeed { return .chaos(seed: chaosSeed) }
    return alwaysSwitch ? .alwaysSwitch : .fair
  }

  var visibleCoreCount: Int { coreCount ?? chaosSeed.map(Scheduler.coreCount(chaosSeed:)) ?? 1 }

  /// Whether these options need an engine that answers cpuid, `xgetbv` and the instructions that save state.
  package var requiresCpuidInterception: Bool { !hiddenFeatures.isEmpty }
}

/// How a recording ended.
package struct RecordOutcome: Sendable {
  /// Of the first process. `.exited` or `.killed`.
  package var status: WaitStatus
  package var eventCount: UInt64
  package var stops: StopCounts
  /// Warnings that the trace holds too: calls that could not be recorded exactly.
  package var notes: [String]

  package init(status: WaitStatus, eventCount: UInt64, stops: StopCounts, notes: [String]) {
    self.status = status
    self.eventCount = eventCount
    self.stops = stops
    self.notes = notes
  }
}

/// Why a recording could not start or go on.
package enum RecordError: Error, CustomStringConvertible {
  /// The program can't be executed: exit status 69 (EX_UNAVAILABLE), as rr's.
  case spawnFailed(program: String, reason: String)
  /// The machine doesn't offer what rrs needs.
  case unavailable(String)
  /// The trace can't be written (disk full, ...). What was written before stays and replays.
  case traceWriteFailed(String)
  case internalError(String)

  package var description: String {
    switch self {
    case .spawnFailed(let program, let reason): "cannot execute '\(program)': \(reason)"
    case .unavailable(let text): text
    case .traceWriteFailed(let text): text
    case .internalError(let text): text
    }
  }
}
