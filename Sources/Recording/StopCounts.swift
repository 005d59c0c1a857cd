import KernelABI

/// How often tracees stopped for a recording, and why, from the first instruction of the first program on.
package struct StopCounts: Sendable {
  /// Before a system call.
  package var callEntries: UInt64 = 0
  /// After a system call.
  package var callExits: UInt64 = 0
  /// Before the delivery of a signal, at instructions that trap, and at the first instruction of a handler.
  package var signals: UInt64 = 0
  /// At births, new images, ends, and stops of whole thread groups.
  package var processes: UInt64 = 0
  /// In system calls that rrs itself made in tracees.
  package var remoteCalls: UInt64 = 0

  package var total: UInt64 { callEntries + callExits + signals + processes + remoteCalls }

  mutating func count(_ status: WaitStatus) {
    switch status {
    case .event(.seccomp, _): callEntries += 1
    case .syscallStop: callExits += 1
    case .signalStop: signals += 1
    case .event: processes += 1
    // Reports of what has ended or goes on: the tracee didn't stop.
    case .exited, .killed, .continued: break
    }
  }
}
