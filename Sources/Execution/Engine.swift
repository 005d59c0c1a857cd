package import KernelABI
package import TraceeControl

/// What runs tracee code and counts its ticks.
///
/// Contract, for the sessions above:
/// 1. Everything is said in application terms: program counter, registers and ticks of the program, never of the
/// 2. `resume` lets one tracee run; `interpret` turns what wait(2) said of it into a `Stop`, or into nil when the
/// 3. Ticks are the same in every run from the same state with the same inputs.
/// 4. With a point as its limit the tracee stops at exactly that point, in clean application state. At the end of a
/// 5. A signal that was sent to the tracee is reported at a point that a replay can find again, or, in an engine that
/// 6. The engine is told of every change to code and address spaces through the `did…` calls, after the change.
package protocol Engine: AnyObject {
  /// What a trace made with this engine says of itself.
  var name: String { get }
  /// What one tick is; nil if the engine counts none.
  var tickUnit: TickUnit? { get }
  /// Whether cpuid's answers are the engine's, from the trace's table.
  var interceptsCPUID: Bool { get }

  /// Lets the tracee run. Preconditions: it is stopped, and was reported so.
  func resume(_ tracee: Tracee, _ request: RunRequest) throws
  /// Preconditions: `status` was just reported for the tracee.
  func interpret(_ tracee: Tracee, _ status: WaitStatus) throws -> Stop?
  /// What the engine has done so far, a line for each kind, for `--stats`.
  var statisticsLines: [String] { get }
  /// A signal to rrs has interrupted the wait for this tracee, which runs: is it still as it should be?
  func checkRunning(_ tracee: Tracee) throws
  /// The tracee's ticks since its start.
  func ticks(of tracee: Tracee) -> UInt64

  /// Whether to run on would report `.instruction`, which a step doesn't.
  func standsBeforeInterceptedInstruction(_ tracee: Tracee) -> Bool

  // For debuggers. An engine that counts no ticks can do without.

  /// Where in the tracee's address space application code stops with `.breakpoint`. One at which a tracee is let run on
  /// doesn't stop it there. An engine may leave conditions to whoever set them.
  func setBreakpoints(_ breakpoints: CodeBreakpoints, in tracee: Tracee) throws
  /// Pages of memory that stop the tracee with `.watchpoint` when it writes to them, or touches them at all where the
  /// value is true. For what debug registers have no room for: each touch costs several stops.
  func setWatchedPages(_ pages: [UInt64: Bool], in tracee: Tracee) throws
  /// The registers as every way to this place shows them: flags that the program can't look at any more are zero.
  /// Preconditions: the last stop was one that `interpret` returned.
  func visibleRegisters(of tracee: Tracee) throws -> Registers
  /// `copy` was made of `original`, and stands where that stands. Its address space is one that `didCopy` has been
  /// told of, or a copy by fork(2).
  func didCopy(_ original: Tracee, to copy: Tracee) throws
  /// A tracee was made from a persistent checkpoint, after `didStartImage` or `didClone`: it has done so many ticks.
  func didRestore(_ tracee: Tracee, ticks: UInt64)

  /// A new process image is in place.
  func didStartImage(_ tracee: Tracee) throws
  /// A tracee was born; it shares `parent`'s address space or has a copy.
  func didClone(parent: Tracee, child: Tracee) throws
  /// The tracee is gone.
  func didExit(_ tracee: Tracee)
  /// A range of the address space was mapped, unmapped or protected otherwise. `protection`: PROT_* of mmap(2), 0 if it
  /// was unmapped. The tracee is in a stop in which calls can be made in it.
  func didChangeMapping(_ tracee: Tracee, _ range: RemoteRange, protection: Int32) throws
  /// The kernel or the tracer has written to a range of the address space, or emptied it. The tracee may be asleep.
  func didWriteMemory(_ tracee: Tracee, _ range: RemoteRange)
  /// Files that some tracees have mapped shared were written to through descriptors.
  func didWriteMappedFiles()
}

extension Engine {
  package var countsTicks: Bool { tickUnit != nil }
  package var statisticsLines: [String] { [] }
  package func checkRunning(_ tracee: Tracee) throws {}
  package func didWriteMappedFiles() {}
  package func setBreakpoints(_ breakpoints: CodeBreakpoints, in tracee: Tracee) throws {}
  package func setWatchedPages(_ pages: [UInt64: Bool], in tracee: Tracee) throws {}
  package func didRestore(_ tracee: Tracee, ticks: UInt64) {}
  package func visibleRegisters(of tracee: Tracee) throws -> Registers { try tracee.registers() }
  package func didCopy(_ original: Tracee, to copy: Tracee) throws { try didClone(parent: original, child: copy) }

  /// Whether a step from here gives the same in a replay, whatever it does: the next instruction isn't a system call
  /// or an intercepted one, nor one that sees that it is stepped (`pushf`).
  package func canStepQuietly(_ tracee: Tracee) -> Bool {
    let systemCall: [UInt8] = [0x0f, 0x05], pushFlags: UInt8 = 0x9c, operandSize: UInt8 = 0x66
    guard let start = try? tracee.registers().rip, let bytes = tracee.readBytes(RemotePointer(start), count: 2),
      bytes.count == 2
    else { return false }
    return bytes != systemCall && bytes[0] != pushFlags && bytes != [operandSize, pushFlags]
      && !standsBeforeInterceptedInstruction(tracee)
  }
}

/// What an engine counts as progress.
package enum TickUnit: Sendable {
  /// Every conditional branch, taken or not.
  case retiredConditionalBranches
  /// Every taken transfer of control that doesn't go forward, and every indirect one (docs/translation.md).
  case nonForwardTransfers
}

/// How a tracee is to run on.
package enum RunRequest: Equatable {
  /// Application code, until the next stop or the limit. A signal is delivered first.
  case application(signal: Signal?, until: RunLimit?)
  /// Into the system call that it stands before, until its exit (or another stop on the way).
  case systemCall
  /// One instruction; a repeated string instruction to its end, in engines that intercept. With a signal that has a
  /// handler: to the handler's first instruction, which doesn't run.
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
  /// Before an instruction whose result isn't a function of the program's state.
  case instruction(TrappedInstruction)
  /// At the limit. Where a point's registers weren't met at its tick, right after it: the registers tell.
  case tickLimit
  case breakpoint
  /// Watched memory was touched; the tracee has come to the end of the instruction since.
  case watchpoint(WatchHit)
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

/// How watched memory was touched.
package struct WatchHit: Equatable, Sendable {
  /// The debug registers that were hit, bits by their numbers.
  package var slots: UInt8
  /// The first address that was touched on a watched page.
  package var address: RemotePointer?

  package init(slots: UInt8, address: RemotePointer? = nil) {
    self.slots = slots
    self.address = address
  }
}

package struct TrappedInstruction: Equatable {
  package var kind: Kind
  /// Its length in bytes.
  package var byteCount: UInt64

  package init(_ kind: Kind, byteCount: UInt64) {
    self.kind = kind
    self.byteCount = byteCount
  }

  /// Its results are in general registers and flags, all of them.
  package enum Kind { case rdtsc, rdtscp, rdrand, rdseed, rdpid }
}
