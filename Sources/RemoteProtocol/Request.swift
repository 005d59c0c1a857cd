/// What a debugger asks for: the packets of gdb's remote serial protocol, and of LLDB's additions to it.
///
/// GDB manual, "Packets", "General Query Packets", "Host I/O Packets"; LLDB's docs/resources/lldbgdbremote.md.
package enum Request: Equatable, Sendable {
  // MARK: The conversation
  case supported([String])
  case startWithoutAcknowledgements
  case extendedMode
  case stopReason
  case attached
  case detach(process: Int32?)
  case kill
  case killProcess(Int32?)
  /// `vRun`: the arguments after the program's name.
  case run(program: [UInt8], arguments: [[UInt8]])

  // MARK: Threads
  /// `H`: the thread that later requests mean; `c` says which is resumed, `g` all else.
  case selectThread(ThreadSelector, forResuming: Bool)
  case isThreadAlive(ThreadSelector)
  case currentThread
  case firstThreads
  case moreThreads
  case threadName(ThreadSelector)

  // MARK: State
  case readRegisters(ThreadSelector?)
  case writeRegisters([UInt8], ThreadSelector?)
  case readRegister(Int, ThreadSelector?)
  case writeRegister(Int, [UInt8], ThreadSelector?)
  case readMemory(UInt64, count: UInt64)
  /// LLDB's `x`: the bytes themselves; none are asked for to see whether the packet is known.
  case readMemoryBinary(UInt64, count: UInt64)
  case writeMemory(UInt64, [UInt8])
  case searchMemory(UInt64, count: UInt64, pattern: [UInt8])
  case threadLocalAddress(ThreadSelector, offset: UInt64, linkMap: UInt64)
  case readObject(name: String, annex: String, offset: UInt64, count: UInt64)
  case writeObject(name: String, annex: String, offset: UInt64, [UInt8])

  // MARK: Going somewhere
  case insertBreakpoint(BreakpointRequest)
  case removeBreakpoint(BreakpointRequest)
  case resumeActions
  /// Never empty. The first action that fits a thread is the thread's.
  case resume([ResumeAction])
  case reverseContinue
  case reverseStep
  /// By gdb's numbers.
  case passSignals([Int32])

  // MARK: Host I/O
  case setFileSystem(process: Int32)
  case openFile(path: [UInt8], flags: UInt64, mode: UInt64)
  case closeFile(Int32)
  case readFile(Int32, count: UInt64, offset: UInt64)
  case fileStatus(Int32)
  case readLink(path: [UInt8])

  // MARK: Commands
  /// `qRRCmd`: a command of rrs, the thread that it is about, and arguments.
  case command(name: String, thread: Int32?, arguments: [[UInt8]])
  /// `qRcmd`: gdb's `monitor`, LLDB's `process plugin packet monitor`.
  case monitor([UInt8])
  /// `qSymbol`, `qOffsets`, `qTStatus`: there is nothing to tell.
  case symbols
  case offsets

  // MARK: LLDB
  case listThreadsInStopReplies
  case threadSuffixes
  case saveRegisters(ThreadSelector?)
  case restoreRegisters(Int, ThreadSelector?)
  case memoryRegion(UInt64)
  case allocate(count: UInt64, permissions: String)
  case deallocate(UInt64)

  /// A packet of no meaning here: the empty reply says so.
  case unknown
  /// A known packet that isn't well-formed.
  case malformed
}

/// A `Z` or `z` packet.
package struct BreakpointRequest: Equatable, Sendable {
  /// 0...4: software, hardware, write, read, access.
  package var kind: UInt8
  package var address: UInt64
  /// The bytes watched, or the length of the breakpoint's instruction.
  package var byteCount: UInt64
  /// Agent expressions.
  package var conditions: [[UInt8]]

  package init(kind: UInt8, address: UInt64, byteCount: UInt64, conditions: [[UInt8]] = []) {
    self.kind = kind
    self.address = address
    self.byteCount = byteCount
    self.conditions = conditions
  }
}

/// What one thread, or all of them, shall do. The signals that go with it are left out: a replay delivers the recorded
/// ones.
package struct ResumeAction: Equatable, Sendable {
  package var steps: Bool
  /// Nil: every thread that no action before this one fits.
  package var thread: ThreadSelector?

  package init(steps: Bool, thread: ThreadSelector? = nil) {
    self.steps = steps
    self.thread = thread
  }
}
