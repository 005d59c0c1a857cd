package import KernelABI
package import TraceeControl

/// What runs tracee code and counts its ticks.
///
/// Contract, for the sessions above:
/// 1. Everything is said in application terms: program counter, registers and ticks of the program, never of the
///    engine's own code. `Tracee.registers()` at a stop are the application's.
/// 2. `resume` lets one tracee run; `interpret` turns what wait(2) said of it into a `Stop`, or into nil when the
///    engine dealt with it and the tracee runs on.
/// 3. Ticks are the same in every run from the same state with the same inputs.
/// 4. With a tick limit the tracee stops at exactly that tick, in clean application state.
/// 5. A signal that was sent to the tracee is reported at a point that a replay can find again: at a tick, or, in an
///    engine that counts none, at the next system call (`Stop.signal`'s `isAtBoundary`).
/// 6. The engine is told of every change to code and address spaces through the `did…` calls, after the change.
package protocol Engine: AnyObject {
  /// What a trace made with this engine says of itself.
  var name: String { get }
  /// Whether the engine counts ticks at all.
  var countsTicks: Bool { get }

  /// Lets the tracee run. Preconditions: it is stopped, and was reported so.
  func resume(_ tracee: Tracee, _ request: RunRequest) throws(KernelError)
  /// Preconditions: `status` was just reported for the tracee.
  func interpret(_ tracee: Tracee, _ status: WaitStatus) throws(KernelError) -> Stop?
  /// The tracee's ticks since its start.
  func ticks(of tracee: Tracee) -> UInt64

  /// A new process image is in place.
  func didStartImage(_ tracee: Tracee) throws
  /// A tracee was born; it shares `parent`'s address space or has a copy.
  func didClone(parent: Tracee, child: Tracee) throws
  /// The tracee is gone.
  func didExit(_ tracee: Tracee)
  /// A range of the address space was mapped, unmapped, protected otherwise, or written by the kernel or the tracer.
  func didChangeMemory(_ tracee: Tracee, _ range: RemoteRange)
}

/// How a tracee is to run on.
package enum RunRequest: Equatable {
  /// Application code, until the next stop; not further than `untilTicks`. A signal is delivered first.
  case application(signal: Signal?, untilTicks: UInt64?)
  /// Into the system call that it stands before, until its exit (or another stop on the way).
  case systemCall
  /// One instruction. With a signal that has a handler: to the handler's first instruction, which doesn't run.
  case step(signal: Signal?)
  /// Nothing, until SIGCONT ends the group-stop.
  case groupStop
}

/// Why a tracee stopped.
package enum Stop: Equatable {
  /// Before a system call: `registers().syscallNumber` and its arguments. It hasn't been made.
  case syscallEntry
  /// After a system call, before any other instruction.
  case syscallExit
  /// A signal is about to be delivered. `isAtBoundary`: at a point that a replay finds again.
  case signal(SignalInfo, isAtBoundary: Bool)
  /// The tracee's processor refused an instruction whose result isn't a function of the program's state.
  case instruction(TrappedInstruction)
  case tickLimit
  case breakpoint
  case watchpoint(RemotePointer)
  case step
  /// A fork, vfork or clone made this tracee. The call goes on with `.systemCall`.
  case cloned(Tid, PtraceEvent)
  /// A process image has been replaced; `formerTid` is the thread that called execve.
  case execed(formerTid: Tid)
  /// About to be gone, memory still in place. The status is as wait4(2) encodes it.
  case exiting(rawStatus: Int32)
  case exited(WaitStatus)
  /// The thread group stops; nil: it goes on, or the tracee is new and stopped for the first time.
  case groupStop(Signal?)
}

package enum TrappedInstruction: Equatable {
  case rdtsc
  case rdtscp

  /// Its length in bytes.
  package var byteCount: UInt64 { self == .rdtsc ? 2 : 3 }
}
