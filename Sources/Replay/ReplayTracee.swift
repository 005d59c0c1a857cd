import KernelABI
import TraceeControl

/// A tracee of a replay. Between its events it is stopped: it runs application code only when its next event is due.
final class ReplayTracee {
  let tracee: Tracee
  /// It stands before a system call whose entry is an event, and whose exit is not there yet.
  var isInSyscall = false
  /// Made by a fork or clone; its own return from that call is its first event.
  var isNewborn = false

  /// Its last event is a call that a signal interrupted: the kernel decides where it goes on once the signal is there.
  var isInterrupted = false

  init(_ tracee: Tracee) { self.tracee = tracee }

  var recordedTid: Tid { tracee.recordedTid }
}
