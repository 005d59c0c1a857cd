package import KernelABI
import TraceFormat
package import TraceeControl

/// A tracee of a replay. Between its events it is stopped: it runs application code only when its next event is due.
package final class ReplayTracee {
  package let tracee: Tracee
  /// It stands before a system call whose entry is an event, and whose exit is not there yet.
  var isInSyscall = false
  /// Made by a fork or clone; its own return from that call is its first event.
  var isNewborn = false

  /// Its last event is a call that a signal interrupted: the kernel decides where it goes on once the signal is there.
  var isInterrupted = false

  /// It hasn't run since its last event: a breakpoint where it stands wasn't met yet.
  package var isFresh = true
  /// A debugger was told of the signal that its next event delivers.
  package var hasPausedAtSignal = false
  /// The instruction has raised the next event's signal: a trap's is behind it, and raises no other.
  var hasMetSignal = false

  /// What the program called it with PR_SET_NAME of prctl(2).
  package internal(set) var name: String?

  init(_ tracee: Tracee) { self.tracee = tracee }

  init(_ tracee: Tracee, copying other: ReplayTracee) {
    self.tracee = tracee
    name = other.name
    condition = other.condition
  }

  /// As a persistent checkpoint keeps it.
  var condition: SavedTracee.Condition {
    get {
      var condition: SavedTracee.Condition = []
      if isInSyscall { condition.insert(.isInSyscall) }
      if isNewborn { condition.insert(.isNewborn) }
      if isInterrupted { condition.insert(.isInterrupted) }
      if isFresh { condition.insert(.isFresh) }
      if hasPausedAtSignal { condition.insert(.hasPausedAtSignal) }
      if hasMetSignal { condition.insert(.hasMetSignal) }
      return condition
    }
    set {
      isInSyscall = newValue.contains(.isInSyscall)
      isNewborn = newValue.contains(.isNewborn)
      isInterrupted = newValue.contains(.isInterrupted)
      isFresh = newValue.contains(.isFresh)
      hasPausedAtSignal = newValue.contains(.hasPausedAtSignal)
      hasMetSignal = newValue.contains(.hasMetSignal)
    }
  }

  /// Its next event is met by an instruction of its own; else it is in a call that was begun before.
  package var standsInCode: Bool { !isInSyscall && !isNewborn }

  package var recordedTid: Tid { tracee.recordedTid }
}
