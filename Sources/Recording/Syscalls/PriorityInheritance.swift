import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// Priority-inheriting locks (futex(2), FUTEX_LOCK_PI): the kernel writes the lock's word, also when it puts a waiter to
// sleep, and other threads read it. So the word is part of the events of these calls, the entry's included.
extension RecordSession {
  private static let operations: Set<UInt64> = [
    6 /* FUTEX_LOCK_PI */, 7 /* FUTEX_UNLOCK_PI */, 8 /* FUTEX_TRYLOCK_PI */, 13, /* FUTEX_LOCK_PI2 */
  ]
  private static let operationMask: UInt64 = 0x7f

  func isPriorityInheriting(_ call: PendingCall) -> Bool {
    call.entry.syscallNumber == SyscallNumber.futex
      && Self.operations.contains(call.entry.argument(1) & Self.operationMask)
  }

  /// The lock's word, as the kernel left it.
  func captureLockWord(_ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall) {
    appendMemory(&event, tracee.tracee, RemotePointer(call.entry.argument(0)), 4)
  }

  /// Waits until the call has ended or sleeps, before anyone else runs; a sleeper's word is then recorded at once.
  func settleLock(_ tracee: RecordTracee) throws {
    while tracee.pending.isEmpty, ProcFS.state(tracee.tid) != "S" { try waitBriefly(tracee) }
    if tracee.pending.isEmpty { try recordPendingEntry(before: nil) }
  }
}
