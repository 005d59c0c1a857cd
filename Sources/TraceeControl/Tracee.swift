import CLinuxShim
package import KernelABI

/// One traced thread, as the tracer sees it while it is stopped.
///
/// Registers are read once per stop and written back when the tracee runs on, if they were changed.
package final class Tracee {
  package let tid: Tid
  /// The tracee's number in the recording; the same as `tid` while recording.
  package let recordedTid: Tid
  /// Tracees with equal ones share their memory.
  package var addressSpace: AddressSpace
  package var threadGroup: ThreadGroup
  /// False once the kernel said that it is gone (ESRCH): no request reaches it any more.
  package var isAlive = true

  /// What the engine that runs it keeps of it.
  package var engineState: (any EngineState)?

  /// Those of the processor, as they were set last. A new thread has none (arch/x86/kernel/process.c, copy_thread).
  package internal(set) var debugRegisters = DebugRegisters()

  /// Stops that `wait()` reported.
  package private(set) var stopCount: UInt64 = 0

  private var cachedRegisters: Registers?
  private var registersAreDirty = false

  package init(tid: Tid, recordedTid: Tid, addressSpace: AddressSpace, threadGroup: ThreadGroup) {
    self.tid = tid
    self.recordedTid = recordedTid
    self.addressSpace = addressSpace
    self.threadGroup = threadGroup
    addressSpace.tracees += 1
    threadGroup.tracees.append(tid)
  }

  // MARK: Registers

  /// Preconditions: the tracee is in a ptrace-stop.
  package func registers() throws(KernelError) -> Registers {
    if let cachedRegisters { return cachedRegisters }
    let registers = try Ptrace.registers(tid)
    cachedRegisters = registers
    return registers
  }

  package func setRegisters(_ registers: Registers) {
    if registers == cachedRegisters { return }
    cachedRegisters = registers
    registersAreDirty = true
  }

  /// Writes changed registers to the kernel and forgets them: to be called before the tracee runs.
  package func flushRegisters() throws(KernelError) {
    if registersAreDirty, let cachedRegisters { try Ptrace.setRegisters(tid, cachedRegisters) }
    registersAreDirty = false
    cachedRegisters = nil
  }

  // MARK: Running

  /// How it was let run last.
  private enum Running { case on, toSyscallStop, oneStep }
  private var running = Running.on

  package func resume(signal: Signal? = nil) throws(KernelError) {
    running = .on
    try flushRegisters()
    try Ptrace.resume(tid, signal: signal)
  }
  package func resumeToSyscallStop(signal: Signal? = nil) throws(KernelError) {
    running = .toSyscallStop
    try flushRegisters()
    try Ptrace.resumeToSyscallStop(tid, signal: signal)
  }
  package func step(signal: Signal? = nil) throws(KernelError) {
    running = .oneStep
    try flushRegisters()
    try Ptrace.step(tid, signal: signal)
  }
  private func run(_ how: Running) throws(KernelError) {
    switch how {
    case .on: try resume()
    case .toSyscallStop: try resumeToSyscallStop()
    case .oneStep: try step()
    }
  }

  /// Executes one instruction of the tracee, with its signals held back, and waits for that. Returns what wait(2) said:
  /// `.signalStop(.trap)` unless the instruction faulted, entered a system call, or the tracee was killed.
  ///
  /// Preconditions: the tracee is in a ptrace-stop outside of a system call.
  package func stepAlone() throws -> WaitStatus {
    let mask = try Ptrace.signalMask(tid)
    // All but the signals of faults: a forced signal that is blocked would be reset to its default.
    let faults: [Signal] = [.trap, .segmentationFault, .bus, .floatingPoint, .illegalInstruction]
    try Ptrace.setSignalMask(tid, faults.reduce(UInt64.max) { $0 & ~(UInt64(1) << UInt64($1.rawValue - 1)) })
    try step()
    let status = try wait()
    if status.rawExit == nil { try Ptrace.setSignalMask(tid, mask) }
    return status
  }

  /// Waits for this tracee alone. Returns its status.
  package func wait() throws -> WaitStatus {
    while true {
      if let status = try waitUnlessInterrupted() { return status }
    }
  }

  /// The same; nil: a signal to rrs came first.
  ///
  /// Where the tracee touches absent memory, that is brought in, and the tracee runs on as it was let run.
  package func waitUnlessInterrupted() throws -> WaitStatus? {
    while true {
      var raw: Int32 = 0
      let result = rrs_wait(tid.rawValue, &raw, 0)
      if result == -4 { return nil }
      _ = try check(result, "wait4", tid: tid)
      let status = WaitStatus(raw: raw)
      if status.rawExit == nil { stopCount += 1 }
      let how = running
      guard try bringInTouched(status) else { return status }
      try run(how)
    }
  }
}

/// What an engine attaches to a tracee or an address space.
package protocol EngineState: AnyObject {}

// MARK: - System calls that aren't made

extension Tracee {
  /// Makes the kernel skip the call that the tracee stands before: number -1 (seccomp(2), SECCOMP_RET_TRACE).
  /// `registers` are those after it.
  package func skipCall(_ registers: Registers) {
    var skipped = registers
    skipped.origRax = UInt64.max
    setRegisters(skipped)
  }

  /// Makes a call fail with ENOSYS that is made by `int 0x80` or from 32-bit code; false for any other. It isn't an
  /// event: the same happens in every replay.
  ///
  /// Preconditions: the tracee is in a seccomp-stop.
  package func failOtherABICall() throws(KernelError) -> Bool {
    var registers = try registers()
    // The `syscall` instruction leaves its return address in rcx, except on processors with FRED: for them, and in
    // engines whose code isn't where the application's is, the filter is asked.
    if registers.isIn64BitCode, registers.rcx == registers.rip { return false }
    guard try Ptrace.eventMessage(tid) == UInt64(RRS_OTHER_ABI) else { return false }
    registers.syscallResult = -38
    skipCall(registers)
    return true
  }
}

/// What the tracees of one mm share.
package final class AddressSpace {
  package var tracees = 0
  /// Where the remote-call gadget is mapped; false until the first system call after an exec.
  package var hasGadget = false
  /// The program break, as the kernel last returned it.
  package var programBreak: RemotePointer = .null

  /// prctl(2)'s PR_SET_DUMPABLE as the program set it; the kernel's own stays on, or rrs could not read its memory.
  package var dumpable: UInt64 = 1
  /// What the engine that runs it keeps of it; a copy's is set by `Engine.didClone`.
  package var engineState: (any EngineState)?
  /// Pages that the engine protects against writing, with the protection that the program gave them (PROT_* of
  /// mmap(2)): for the program, and for what compares memory, they are as if they had that.
  package var writeProtected: [UInt64: Int32] = [:]
  /// What isn't there yet, in a replay that began at a persistent checkpoint.
  package var absent: AbsentMemory?
  /// Memory for the output of calls that sleep while other tracees run.
  package private(set) var scratch = ScratchPool()

  package init() {}

  /// A copy, as fork(2) makes it.
  package func fork() -> AddressSpace {
    let copy = AddressSpace()
    copy.hasGadget = hasGadget
    copy.programBreak = programBreak
    copy.dumpable = dumpable
    copy.writeProtected = writeProtected
    copy.absent = absent
    copy.scratch = scratch.fork()
    return copy
  }
}

/// A process.
package final class ThreadGroup {
  /// The leader's number in the recording.
  package let recordedID: Tid
  package let id: Tid
  package var tracees: [Tid] = []
  /// It ignores SIGTRAP, as far as the engine knows.
  package var ignoresTraps = false

  package init(id: Tid, recordedID: Tid) {
    self.id = id
    self.recordedID = recordedID
  }
}
