import KernelABI
import Syscalls
import TraceeControl

/// A tracee of a recording: where it stands, and what rrs owes it.
final class RecordTracee {
  let tracee: Tracee
  var state = State.starting {
    didSet { if state.canRun != oldValue.canRun { onReadiness(state.canRun) } }
  }
  /// Called when the tracee can run from now on, or can't any more.
  var onReadiness: (Bool) -> Void = { _ in }
  /// What wait(2) reported while the recorder looked elsewhere, oldest first.
  var pending: [WaitStatus] = []
  /// Signals that came in the middle of application code, for its next system call.
  var stashedSignals: [SignalInfo] = []
  /// When a stashed signal that ends the tracee is delivered wherever it is; CLOCK_MONOTONIC, in nanoseconds.
  var fatalDeadline: UInt64?
  /// Stashed signals that were sent again, to come at the call's end.
  var resentSignals: [SignalInfo] = []
  /// Born, but its own return from the clone isn't recorded yet.
  var isNewborn = false
  /// The tick at which it stops next, for signals that came in the middle of code.
  var nextTick: UInt64?
  /// The tick at which its time slice ends, and how many instructions behind it.
  var sliceEnd: UInt64 = 0
  var instructionsBehindSlice = 0
  /// It stands before its `call`, whose entry is recorded, and others go first.
  var isBeforeCall = false
  /// It stands where a signal interrupted it, and a replay doesn't find that place.
  var isMidCode = false
  /// A signal waits that the kernel delivers before the tracee's next instruction: rt_sigreturn(2) unblocked it.
  var signalIsDue = false
  /// The system call that the tracee is in.
  var call: PendingCall?
  /// The call that a signal interrupted; restart_syscall(2) goes on with it.
  var interruptedCall: PendingCall?
  /// set_tid_address(2), or clone's CHILD_CLEARTID: a word that the kernel clears at the thread's end.
  var clearTidAddress = RemotePointer.null
  /// set_robust_list(2)
  var robustList = RemotePointer.null
  /// How it ended, once wait(2) said so.
  var exitStatus: WaitStatus?

  var tid: Tid { tracee.tid }
  var group: ThreadGroup { tracee.threadGroup }
  var addressSpace: AddressSpace { tracee.addressSpace }

  init(_ tracee: Tracee) { self.tracee = tracee }

  enum State: Equatable {
    /// Not yet in its first stop.
    case starting
    /// Stopped, and can run application code.
    case ready
    case running
    /// In a system call that may sleep.
    case inSyscall
    case groupStopped
    /// The kernel takes it down; nothing can be asked of it.
    case dying
    /// A leader that is gone while other threads of its group live on.
    case zombie

    var canRun: Bool { self == .ready || self == .running }
  }
}

/// A system call between its entry and its exit.
struct PendingCall {
  var descriptor: SyscallDescriptor
  /// The application's registers at the entry.
  var entry: Registers
  /// Output buffers that were led to scratch memory, because other tracees run meanwhile.
  var redirects: [Redirect] = []
  var scratch: ScratchPool.Chunk?
  /// Memory that the entry of the call changed in the application's arguments: registers to put back at its exit.
  var changedArguments: [Int] = []
  /// What the call writes is a guess from its request's number.
  var isGuess = false
  /// Value-result lengths as the application gave them, by argument index.
  var initialLengths: [Int: UInt64] = [:]

  struct Redirect {
    var application: RemotePointer
    var scratch: RemotePointer
    var byteCount: Int
    /// Where the buffer lies in the bytes that the call's result counts; nil: the kernel may write anywhere in it, and
    /// it started with the application's bytes.
    var resultStart: Int?
    /// The bytes that one unit of the result stands for.
    var resultUnit = 1

    /// How many bytes to copy back.
    func writtenByteCount(result: Int64) -> Int {
      guard let resultStart else { return byteCount }
      let written = Int(clamping: max(result, 0)).multipliedReportingOverflow(by: resultUnit).partialValue
      return min(max(written - resultStart, 0), byteCount)
    }
  }
}
