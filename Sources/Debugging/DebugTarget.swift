package import Execution
package import KernelABI

/// What a debugger sees of a recording, and what it can ask for: the seam between front ends and time travel.
///
/// A front end (the server of the remote serial protocol, and whatever comes beside it) knows requests and texts; what
/// they do is behind this protocol. All numbers of processes and threads are those at recording.
package protocol DebugTarget: AnyObject {
  /// Where the debugger stands, as it was reported last.
  var currentStop: DebugStop { get }
  /// The threads that exist here, those of the process of the current stop first. Empty before the first image.
  var threads: [ThreadIdentity] { get }
  /// The name that the program gave a thread (PR_SET_NAME of prctl(2)), or its executable's.
  func name(of thread: ThreadIdentity) -> String?
  /// Whether the traced processor, as the program saw it, has these registers.
  var registerFeatures: RegisterFeatures { get }

  /// Whether it can go anywhere.
  var isMovable: Bool { get }

  // MARK: State

  func registers(of thread: ThreadIdentity) throws(DebugError) -> ThreadRegisters
  /// Only in a diversion, which it starts if gdb announced one.
  func setRegisters(_ registers: ThreadRegisters, of thread: ThreadIdentity) throws(DebugError)
  /// As many bytes as are mapped from `address` on, at most `count`; empty where nothing is. Breakpoints don't show.
  func readMemory(_ process: Int32, _ address: UInt64, count: Int) -> [UInt8]
  /// Only in a diversion.
  func writeMemory(_ process: Int32, _ address: UInt64, _ bytes: [UInt8]) throws(DebugError)
  /// The mapping that `address` is in, or the gap (`protection` nil).
  func memoryRegion(_ process: Int32, _ address: UInt64) -> MemoryRegion
  func auxiliaryVector(_ process: Int32) -> [UInt8]
  /// The path of the process's executable at recording.
  func executablePath(_ process: Int32) -> String?
  /// A file of the recorded machine: from the trace where it is in there. A descriptor of this process, to be closed.
  func openFile(_ process: Int32, _ path: String) throws(DebugError) -> Int32
  /// The 128 bytes of `siginfo_t` of the signal of the current stop. To ask for it announces a diversion, as gdb does
  /// before it calls a function.
  func signalInfo(_ thread: ThreadIdentity) throws(DebugError) -> [UInt8]
  /// Ends the diversion.
  func setSignalInfo(_ thread: ThreadIdentity, _ bytes: [UInt8]) throws(DebugError)
  /// The address of a thread-local variable: at `offset` in the module with this link map.
  func threadLocalAddress(
    _ thread: ThreadIdentity, offset: UInt64, linkMap: UInt64
  ) throws(DebugError) -> UInt64

  // MARK: Going somewhere

  func insert(_ breakpoint: Breakpoint) throws(DebugError)
  func remove(_ breakpoint: Breakpoint) throws(DebugError)
  /// Signals that pass without a stop, in both directions. By their numbers in Linux.
  func setPassedSignals(_ signals: Set<Int32>)
  /// Goes on until something stops it. `isInterrupted` is asked many times a second.
  func resume(_ request: ResumeRequest, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop
  /// gdb's `run`: to the place that a `DebugPlace` names.
  func go(to place: DebugPlace, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop
  /// One of rrs's commands (`when`, `checkpoint`, …). Unknown names and bad arguments are answered with a text. One
  /// that moves (`restart N`, `seek-ticks T`, `back`, `forward`) only says where to: the debugger then asks to `go`.
  func command(_ name: String, _ arguments: [String], thread: ThreadIdentity?) -> CommandAnswer
}

extension DebugTarget {
  package var isMovable: Bool { true }
}

package struct MemoryRegion: Equatable, Sendable {
  package var start: UInt64
  package var end: UInt64
  /// PROT_* of mmap(2); nil where nothing is mapped.
  package var protection: Int32?
  package var name: String

  package init(start: UInt64, end: UInt64, protection: Int32?, name: String) {
    self.start = start
    self.end = end
    self.protection = protection
    self.name = name
  }
}

/// A place in the program's code or memory to stop at. Equal ones are inserted once.
package struct Breakpoint: Hashable, Sendable {
  package enum Kind: UInt8, Sendable {
    /// By their numbers in the remote protocol's Z packets.
    case software = 0
    case hardware = 1
    case write = 2
    case read = 3
    case access = 4
  }

  package var kind: Kind
  package var process: Int32
  package var address: UInt64
  /// Of a watchpoint: the bytes watched.
  package var byteCount: Int
  /// It stops only where one of these holds; empty: always. They don't tell breakpoints apart.
  package var conditions: [any StopCondition] = []

  package init(kind: Kind, process: Int32, address: UInt64, byteCount: Int) {
    self.kind = kind
    self.process = process
    self.address = address
    self.byteCount = byteCount
  }

  package static func == (a: Breakpoint, b: Breakpoint) -> Bool {
    a.kind == b.kind && a.process == b.process && a.address == b.address && a.byteCount == b.byteCount
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(process)
    hasher.combine(address)
    hasher.combine(byteCount)
  }
}

/// When a breakpoint stops.
package protocol StopCondition: Sendable {
  /// The same as a program that an engine can evaluate without a stop; nil where it can't be said so.
  var program: ConditionProgram? { get }
  /// What tells it from others: two with the same are the same condition.
  var identity: [UInt8] { get }
  /// A condition that can't be evaluated holds: the debugger will look itself.
  func holds(_ registers: Registers, _ read: (_ address: UInt64, _ count: Int) -> [UInt8]?) -> Bool
}

extension StopCondition {
  package var program: ConditionProgram? { nil }
}

package struct ResumeRequest: Sendable {
  package enum Direction: Sendable { case forward, backward }

  package var direction: Direction
  /// The thread that makes one step; nil: everything runs on.
  package var steppedThread: ThreadIdentity?
  /// The processes that the debugger knows: its history begins where the first of them does. Empty: all.
  package var processes: Set<Int32>

  package init(
    _ direction: Direction, stepping steppedThread: ThreadIdentity? = nil, processes: Set<Int32> = []
  ) {
    self.direction = direction
    self.steppedThread = steppedThread
    self.processes = processes
  }
}

/// Where a debugger wants to be.
package enum DebugPlace: Equatable, Sendable {
  /// Where the session began.
  case start
  /// When this event is done.
  case event(UInt64)
  case checkpoint(Int)
  /// The current thread's tick.
  case ticks(UInt64)
  /// A place that the debugger stood at before, by a number that `back` or `forward` gave.
  case history(Int)
}

package enum CommandAnswer: Equatable, Sendable {
  /// To be printed.
  case text(String)
  /// To be gone to.
  case place(DebugPlace)
}

/// Why a debugger stands where it stands.
package struct DebugStop: Equatable, Sendable {
  package enum Reason: Equatable, Sendable {
    case breakpoint(isHardware: Bool)
    /// The kind, and the first watched address that was touched.
    case watchpoint(Breakpoint.Kind, address: UInt64)
    case step
    /// By its number in Linux, 0 for none: it is about to be delivered, or the debugger has just come here.
    case signal(Int32)
    case interrupted
    /// The ends of the recording, or of the process looked at.
    case historyBegin
    case historyEnd
    /// A new image is in place.
    case exec(path: String)
    case fork(child: ThreadIdentity)
    /// A process is gone, as wait4(2) encodes it. Others go on.
    case processExit(rawStatus: Int32)
  }

  package var thread: ThreadIdentity
  package var reason: Reason

  package init(thread: ThreadIdentity, reason: Reason) {
    self.thread = thread
    self.reason = reason
  }
}

/// What a debugger asked for can't be done. The text is for the user.
package struct DebugError: Error, Equatable, CustomStringConvertible {
  package var text: String
  /// errno(3), for protocols that want one.
  package var number: Int32

  package init(_ text: String, number: Int32 = 1) {
    self.text = text
    self.number = number
  }

  package var description: String { text }
}
