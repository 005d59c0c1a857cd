import KernelABI
import TraceeControl

/// Keeps the engine's own traps and faults from changing how the program handles SIGTRAP and SIGSEGV.
///
/// A trap's signal can't be blocked or ignored: the kernel takes it out of the thread's mask then, and sets its action
/// to the default (kernel/signal.c, force_sig_info_to_task), although the program never gets it. What the program had
/// set is put back before it goes on.
struct ForcedSignals {
  /// Which of the two signals the thread blocks, as bits of a signal mask.
  private var blocked: UInt64 = 0

  /// What a process does with the two signals. Shared by its threads.
  final class Actions {
    /// The kernel's `struct sigaction` by signal number, as the program gave it; none: the default.
    fileprivate var actions: [Int32: [UInt8]] = [:]

    fileprivate func handler(_ signal: Signal) -> UInt64? {
      actions[signal.rawValue]?.withUnsafeBytes { $0.load(as: UInt64.self) }
    }

    func ignores(_ signal: Signal) -> Bool { handler(signal) == ForcedSignals.ignore }

    func copy() -> Actions {
      let copy = Actions()
      copy.actions = actions
      return copy
    }
  }

  private static let signals: [Signal] = [.trap, .segmentationFault]
  private static let mask = signals.reduce(UInt64(0)) { $0 | bit($1) }
  /// sa_handler, sa_flags, sa_restorer, sa_mask
  private static let actionByteCount = 32
  private static let ignore: UInt64 = 1

  private static func bit(_ signal: Signal) -> UInt64 { 1 << UInt64(signal.rawValue - 1) }

  /// To be called when the thread's mask may have changed.
  mutating func noteMask(_ tracee: Tracee) throws(KernelError) {
    blocked = try Ptrace.signalMask(tracee.tid) & Self.mask
  }

  /// To be called at the end of a successful rt_sigaction(2) with these arguments.
  static func noteAction(_ actions: Actions, _ tracee: Tracee, signal: UInt64, action: RemotePointer) {
    guard !action.isNull, let known = signals.first(where: { UInt64($0.rawValue) == signal }) else { return }
    actions.actions[known.rawValue] = tracee.readBytes(action, count: actionByteCount)
    tracee.threadGroup.ignoresTraps = actions.ignores(.trap)
  }

  /// To be called for a new process image, which keeps what is ignored (execve(2)).
  static func noteImage(_ actions: Actions, _ tracee: Tracee) {
    let ignored = ProcFS.statusMask(tracee.tid, "SigIgn") ?? 0
    for signal in signals where ignored & bit(signal) != 0 {
      actions.actions[signal.rawValue] = [UInt8(ignore)] + [UInt8](repeating: 0, count: actionByteCount - 1)
    }
    tracee.threadGroup.ignoresTraps = actions.ignores(.trap)
  }

  /// To be called at a stop by a trap or a fault of the engine's own.
  func restore(_ signal: Signal, _ actions: Actions, _ tracee: Tracee) throws {
    let isBlocked = blocked & Self.bit(signal) != 0
    // First of all: another one may be pending.
    if isBlocked { try Ptrace.setSignalMask(tracee.tid, Ptrace.signalMask(tracee.tid) | Self.bit(signal)) }
    if let action = actions.actions[signal.rawValue], let handler = actions.handler(signal) {
      if isBlocked && handler > Self.ignore || handler == Self.ignore {
        tracee.write(Gadget.dataAddress, action)
        _ = try tracee.checkedRemoteCall(
          "restore the action of \(signal)", SyscallNumber.rt_sigaction, UInt64(signal.rawValue),
          Gadget.dataAddress.rawValue, 0, 8)
      }
    }
  }
}
