import Glibc
import KernelABI
import Recording
import Replay
import SystemPackage
import TraceFormat

/// Exit statuses of rrs itself, beside those of sysexits(3).
enum ExitStatus {
  /// The replay differs from the recording. EX_SOFTWARE: the fault is rrs's, and 1 is what recorded programs use.
  static let divergence: Int32 = EX_SOFTWARE
}

/// A failure that the command itself words. An empty message means that everything has been said.
struct CommandFailure: Error {
  var message: String
  var status: Int32
}

/// A failure of a lower layer that users meet.
protocol ExplainedFailure: Error {
  var oneLine: String { get }
  var exitStatus: Int32 { get }
}

extension TraceError: ExplainedFailure {
  var oneLine: String { description }

  var exitStatus: Int32 {
    switch self {
    case .notFound: EX_NOINPUT
    case .notATrace, .inRecovery, .unknownVersion, .damaged, .noSuchEvent, .isArchive, .unrecoverable: EX_DATAERR
    case .recordTooLarge: EX_SOFTWARE
    case .inUse: EX_CANTCREAT
    case .system(_, _, let errno):
      switch errno {
      case .noSuchFileOrDirectory, .notDirectory: EX_NOINPUT
      case .permissionDenied, .notPermitted, .readOnlyFileSystem: EX_NOPERM
      case .fileExists: EX_CANTCREAT
      default: EX_IOERR
      }
    }
  }
}

extension RecordError: ExplainedFailure {
  var oneLine: String { description }

  var exitStatus: Int32 {
    switch self {
    case .spawnFailed, .unavailable: EX_UNAVAILABLE
    case .traceWriteFailed: EX_IOERR
    case .internalError: EX_SOFTWARE
    }
  }
}

extension ReplayError: ExplainedFailure {
  var oneLine: String { description }

  var exitStatus: Int32 {
    switch self {
    case .unusableTrace: EX_DATAERR
    case .unavailable: EX_UNAVAILABLE
    case .internalError: EX_SOFTWARE
    }
  }
}

extension KernelError: ExplainedFailure {
  var oneLine: String { "the kernel refused what rrs needs: \(description); see 'rrs doctor'" }
  var exitStatus: Int32 { EX_OSERR }
}

/// The program that was recorded or replayed has ended: rrs ends in the same way.
struct ProgramEnding: Error {
  var status: WaitStatus

  /// Exits like the program: returns its exit status, or dies of the same signal, without a core of our own.
  func endProcess() -> Int32 {
    switch status {
    case .exited(let code):
      return code
    case .killed(let signal, _):
      var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
      _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore)
      _ = Glibc.signal(signal.rawValue, SIG_DFL)
      var unblocked = sigset_t()
      sigemptyset(&unblocked)
      sigaddset(&unblocked, signal.rawValue)
      sigprocmask(SIG_UNBLOCK, &unblocked, nil)
      kill(getpid(), signal.rawValue)
      // Signals that don't end a process here, for whatever reason: as the shell would put it.
      return 128 + signal.rawValue
    default:
      return EX_SOFTWARE
    }
  }
}
