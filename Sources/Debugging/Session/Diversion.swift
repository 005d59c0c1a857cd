import CLinuxShim
import Execution
import KernelABI
import Replay
import TraceeControl

/// A copy of the replay in which one thread runs something that wasn't recorded: a function that the debugger calls.
/// Its registers and memory can be written to. When it ends it is thrown away, and the recording is as before.
///
/// System calls are made, as far as they only look, get memory, or print: what reaches further fails with ENOSYS.
final class Diversion {
  let session: ReplaySession
  let tracee: ReplayTracee
  /// Whether what the function prints is shown.
  var showsOutput = true
  private var timeStampCounter: UInt64 = 1 << 40

  init(_ original: ReplaySession, _ tid: Tid) throws {
    session = try original.copy()
    guard let tracee = session.tracees[tid] else {
      session.killAll()
      throw DebugError("there is no thread \(tid) here", number: 3)
    }
    self.tracee = tracee
    // The calls that it makes are the kernel's business.
    try tracee.tracee.bringInAll()
  }

  func end() { session.killAll() }

  /// Whether its thread stands where it stands in the replay that this is a copy of.
  func isBack(at original: ReplaySession) -> Bool {
    guard let own = try? tracee.tracee.registers(),
      let other = try? original.tracees[tracee.recordedTid]?.tracee.registers()
    else { return false }
    return own.rip == other.rip && own.rsp == other.rsp
  }

  func setRegisters(_ registers: ThreadRegisters) throws {
    let thread = tracee.tracee
    var general = registers.general
    general.origRax = UInt64.max
    thread.setRegisters(general)
    if try Ptrace.extendedState(thread.tid) != registers.extended, !registers.extended.isEmpty {
      try Ptrace.setExtendedState(thread.tid, registers.extended)
    }
  }

  func write(_ address: RemotePointer, _ bytes: [UInt8]) -> Bool {
    guard tracee.tracee.write(address, bytes) else { return false }
    session.engine.didWriteMemory(tracee.tracee, RemoteRange(address, byteCount: UInt64(bytes.count)))
    return true
  }

  // MARK: - Running

  /// Ticks between two looks at whether the debugger wants to interrupt.
  private static let sliceTicks: UInt64 = 2_000_000

  func resume(
    _ stepped: ThreadIdentity?, _ stops: StopSet, _ isInterrupted: () -> Bool
  ) throws -> DebugStop.Reason {
    let thread = tracee.tracee, engine = session.engine
    try engine.setBreakpoints(stops.control().allBreakpoints, in: thread)
    while true {
      let isStep = stepped != nil && !engine.standsBeforeInterceptedInstruction(thread)
      let limit = RunLimit.slice(engine.ticks(of: thread) + Self.sliceTicks)
      try engine.resume(thread, isStep ? .step(signal: nil) : .application(signal: nil, until: limit))
      guard let stop = try engine.interpret(thread, try thread.wait()) else { continue }
      switch stop {
      case .step: return .step
      case .breakpoint:
        let registers = try thread.registers()
        if let breakpoint = stops.stopping(tracee, registers) {
          return .breakpoint(isHardware: breakpoint.kind == .hardware)
        }
      case .tickLimit where isInterrupted(): return .interrupted
      case .tickLimit, .groupStop, .watchpoint: continue
      case .signal(let info, _): return .signal(info.signal.rawValue)
      case .instruction(let instruction): try answer(instruction)
      case .syscallEntry:
        if let ending = try makeCall() { return ending }
      case .syscallExit, .cloned, .execed, .exiting, .exited:
        throw DebugError("the function that was called has ended its thread")
      }
      if stepped != nil { return .step }
    }
  }

  /// What isn't a function of the program's state gets answers that only have to be plausible.
  private func answer(_ instruction: TrappedInstruction) throws {
    var registers = try tracee.tracee.registers()
    timeStampCounter += 1000
    switch instruction.kind {
    case .rdtsc, .rdtscp:
      registers.rax = timeStampCounter & 0xffff_ffff
      registers.rdx = timeStampCounter >> 32
      if instruction.kind == .rdtscp { registers.rcx = 0 }
    case .rdrand, .rdseed:
      // Not ready: carry is clear, and programs have another way.
      registers.eflags &= ~1
    case .rdpid: break
    }
    registers.rip &+= instruction.byteCount
    tracee.tracee.setRegisters(registers)
  }

  private static let made: Set<Int> = [
    SyscallNumber.mmap, SyscallNumber.munmap, SyscallNumber.mprotect, SyscallNumber.mremap, SyscallNumber.madvise,
    SyscallNumber.clock_gettime, SyscallNumber.clock_getres, SyscallNumber.gettimeofday, SyscallNumber.time,
    SyscallNumber.getrandom, SyscallNumber.sched_yield, SyscallNumber.uname, SyscallNumber.sysinfo,
    SyscallNumber.getcwd, SyscallNumber.stat, SyscallNumber.lstat, SyscallNumber.newfstatat,
    SyscallNumber.access, SyscallNumber.readlink, SyscallNumber.rt_sigprocmask, SyscallNumber.getuid,
    SyscallNumber.geteuid, SyscallNumber.getgid, SyscallNumber.getegid,
  ]

  /// futex(2): those that wake find nobody; those that wait are told that the word has changed (EAGAIN), and look
  /// again.
  private static func answerToFutex(_ registers: Registers) -> Int64 {
    let commandMask: UInt64 = 0x7f
    let wakes: Set<UInt64> = [1 /* WAKE */, 3 /* REQUEUE */, 4 /* CMP_REQUEUE */, 5 /* WAKE_OP */, 10 /* WAKE_BITSET */]
    let again: Int64 = 11
    return wakes.contains(registers.argument(1) & commandMask) ? 0 : -again
  }

  /// A call of the diverted thread. Returns the stop that it ends with, if it does.
  private func makeCall() throws -> DebugStop.Reason? {
    let thread = tracee.tracee
    var registers = try thread.registers()
    let number = registers.syscallNumber
    switch number {
    case SyscallNumber.write, SyscallNumber.writev: registers.syscallResult = show(registers)
    case SyscallNumber.getpid: registers.syscallResult = Int64(thread.threadGroup.recordedID.rawValue)
    case SyscallNumber.gettid: registers.syscallResult = Int64(tracee.recordedTid.rawValue)
    case SyscallNumber.brk: registers.syscallResult = Int64(bitPattern: thread.addressSpace.programBreak.rawValue)
    // Nobody would wake it: a sleep is over at once, and what is waited for isn't so yet.
    case SyscallNumber.nanosleep, SyscallNumber.clock_nanosleep: registers.syscallResult = 0
    case SyscallNumber.futex: registers.syscallResult = Self.answerToFutex(registers)
    case SyscallNumber.exit, SyscallNumber.exit_group:
      throw DebugError("the function that was called ends the process with exit(\(registers.argument(0) & 0xff))")
    case _ where Self.made.contains(number) && !isFileMapping(registers):
      try session.engine.resume(thread, .systemCall)
      while true {
        guard let stop = try session.engine.interpret(thread, try thread.wait()) else { continue }
        if stop == .syscallExit { break }
        if case .signal(let info, _) = stop { return .signal(info.signal.rawValue) }
        try session.engine.resume(thread, .systemCall)
      }
      try noteMapping(number, registers, try thread.registers())
      return nil
    default: registers.syscallResult = -38
    }
    thread.skipCall(registers)
    return nil
  }

  /// No descriptor of the recorded program is open here.
  private func isFileMapping(_ registers: Registers) -> Bool {
    registers.syscallNumber == SyscallNumber.mmap
      && Int32(truncatingIfNeeded: registers.argument(3)) & MapFlag.anonymous == 0
  }

  private func noteMapping(_ number: Int, _ entry: Registers, _ exit: Registers) throws {
    guard !exit.syscallFailed else { return }
    let byteCount = RemotePointer(entry.argument(1)).pageEnd.rawValue
    switch number {
    case SyscallNumber.mmap:
      let protection = Int32(truncatingIfNeeded: entry.argument(2))
      try change(exit.rax, byteCount, protection)
    case SyscallNumber.munmap: try change(entry.argument(0), byteCount, 0)
    case SyscallNumber.mprotect:
      try change(entry.argument(0), byteCount, Int32(truncatingIfNeeded: entry.argument(2)))
    case SyscallNumber.mremap:
      try change(entry.argument(0), byteCount, 0)
      try change(exit.rax, entry.argument(2), 7)
    default: break
    }
  }

  private func change(_ start: UInt64, _ byteCount: UInt64, _ protection: Int32) throws {
    let range = RemoteRange(RemotePointer(start), byteCount: byteCount)
    try session.engine.didChangeMapping(tracee.tracee, range, protection: protection)
  }

  /// What the function prints to stdout and stderr is shown; the rest is taken as written.
  private func show(_ registers: Registers) -> Int64 {
    let thread = tracee.tracee
    let output = Int32(truncatingIfNeeded: registers.argument(0))
    var parts = [(RemotePointer(registers.argument(1)), Int(clamping: registers.argument(2)))]
    if registers.syscallNumber == SyscallNumber.writev {
      parts = (0..<Int(min(registers.argument(2), 1024))).compactMap { index in
        let vector = RemotePointer(registers.argument(1)) + index * 16
        guard let base = thread.read(vector, as: UInt64.self), let count = thread.read(vector + 8, as: UInt64.self)
        else { return nil }
        return (RemotePointer(base), Int(clamping: count))
      }
    }
    var written: Int64 = 0
    for (address, count) in parts {
      guard let bytes = thread.readBytes(address, count: min(count, 1 << 20)) else {
        return written > 0 ? written : -14
      }
      if showsOutput, output == 1 || output == 2 { Output.write(output, bytes) }
      written += Int64(bytes.count)
    }
    return written
  }
}
