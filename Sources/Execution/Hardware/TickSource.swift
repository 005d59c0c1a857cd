package import KernelABI
package import TraceeControl

/// Counts the conditional branches that tracees retire while they run natively, and interrupts them.
package protocol TickSource: AnyObject {
  /// How many ticks after the one that was asked for an interrupt stops the tracee, at most.
  var skidMax: UInt64 { get }
  /// A counter for one tracee, which is stopped.
  func makeCounter(for tracee: Tracee) throws -> any TickCounter
}

/// The counter of one tracee. It counts from `run` to `stop` and at no other time.
package protocol TickCounter: AnyObject {
  /// Lets the tracee run natively, or one instruction far. With `interruptAfter` it stops once it has counted that
  /// many ticks, or up to `skidMax` more; the stop may come later, or be lost, only where the counter is broken.
  func run(_ tracee: Tracee, stepping: Bool, signal: Signal?, interruptAfter: UInt64?) throws
  /// The ticks since `run`. The tracee has stopped, or is gone.
  func stop(_ tracee: Tracee) throws -> UInt64
  /// Whether the running tracee's interrupt should have come: it was lost.
  func isOverdue(_ tracee: Tracee) throws -> Bool
  /// Whether a signal-delivery-stop is the counter's interrupt. It can be one that was asked for in an earlier run.
  func isInterrupt(_ info: SignalInfo) -> Bool
  /// Whether an interrupt waits for the tracee to run on. Into a system call it must not: the call would be
  /// interrupted.
  func hasPendingInterrupt(_ tracee: Tracee) -> Bool
  /// All signals but the interrupt, and those that instructions raise.
  var maskButInterrupt: UInt64 { get }
}

/// The counter didn't do what it must.
package struct CounterError: Error, CustomStringConvertible {
  package var description: String

  package init(_ description: String) { self.description = description }

  static func skidded(_ tracee: Tracee, target: UInt64, ticks: UInt64, skidMax: UInt64) -> CounterError {
    CounterError(
      "the counter skidded further than \(skidMax) ticks: tracee \(tracee.recordedTid) was to be stopped before tick "
        + "\(target) and ran to tick \(ticks); `rrs doctor` tests the counter, and `--engine software` needs none")
  }
}
