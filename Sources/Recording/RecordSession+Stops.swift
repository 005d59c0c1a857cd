import CLinuxShim
import Execution
import KernelABI
import Scheduling
import Syscalls
import TraceFormat
import TraceeControl

// What to do when a tracee has stopped.
extension RecordSession {
  func handle(_ tracee: RecordTracee, _ stop: Stop) throws {
    switch stop {
    case .signal, .groupStop: break
    default: tracee.isMidCode = false
    }
    switch stop {
    case .syscallEntry:
      try handleEntry(tracee)
    case .syscallExit:
      if tracee.call != nil {
        try finishCall(tracee)
      } else {
        tracee.state = .ready
      }
    case .signal(let info, let isAtBoundary):
      try handleSignal(tracee, info, isAtBoundary: isAtBoundary)
    case .instruction(let instruction):
      try handleInstruction(tracee, instruction)
    case .cloned(let tid, let event):
      try handleCloned(tracee, newTid: tid, event)
    case .execed(let formerTid):
      try handleExeced(tracee, formerTid: formerTid)
    case .exiting(let rawStatus):
      try handleExiting(tracee, rawStatus: rawStatus)
    case .exited(let status):
      try handleExited(tracee, status)
    case .groupStop(let signal):
      try handleGroupStop(tracee, signal)
    case .tickLimit:
      try handleTick(tracee)
    case .step, .breakpoint, .watchpoint:
      tracee.state = .ready
    }
  }

  private func handleGroupStop(_ tracee: RecordTracee, _ signal: Signal?) throws {
    if signal != nil {
      tracee.state = .groupStopped
      try engine.resume(tracee.tracee, .groupStop)
    } else if tracee.state == .starting {
      // The first stop of a new tracee, which `handleCloned` waits for itself.
      tracee.state = .ready
    } else if tracee.call != nil {
      // PTRACE_EVENT_STOP in a call that has not ended.
      tracee.state = .inSyscall
      try engine.resume(tracee.tracee, .systemCall)
    } else {
      tracee.state = .ready
    }
  }

  /// At a tick: the time slice is over, or a signal waits for a point that replay finds again.
  private func handleTick(_ tracee: RecordTracee) throws {
    try recordPendingEntry(before: tracee)
    try recordPendingPreemption(before: tracee)
    unrecordedPreemption = tracee
    tracee.state = .ready
    if tracee.nextTick == nil {
      scheduler.endSlice()
      try goBehindTick(tracee)
    } else {
      tracee.nextTick = nil
      try resendStashedSignals(tracee)
    }
  }

  /// Ends the slice some instructions behind a tick. A replay steps to the registers that the event holds. It finds
  /// no places but those that are reached from the tick without another, and without an instruction that has a say in
  /// where tracees stop: before such a one the slice ends.
  private func goBehindTick(_ tracee: RecordTracee) throws {
    let ticks = engine.ticks(of: tracee.tracee)
    // Where ticks don't name places, slices end anywhere in any case.
    var rest = engine.tickUnit == .nonForwardTransfers ? tracee.instructionsBehindSlice : 0
    tracee.instructionsBehindSlice = 0
    var hasMoved = false
    while rest > 0, engine.canStepQuietly(tracee.tracee) {
      rest -= 1
      hasMoved = true
      tracee.state = .running
      try engine.resume(tracee.tracee, .step(signal: nil))
      try waitFor(tracee)
      let status = tracee.pending.removeFirst()
      guard let stop = try engine.interpret(tracee.tracee, status) else {
        // The step isn't done: in the midst of one there is no place.
        rest += 1
        continue
      }
      guard stop == .step, engine.ticks(of: tracee.tracee) == ticks else {
        // On to a place that is one without steps: here dead flags aren't what a replay has.
        tracee.sliceEnd = ticks + 1
        tracee.isMidCode = true
        tracee.state = .ready
        if stop == .step { return try runOn(tracee) }
        guard case .signal(let info, _) = stop else { return try handle(tracee, stop) }
        if info.isFault { return try runOn(tracee) }
        try recordPendingPreemption(before: nil)
        tracee.isMidCode = false
        return try handle(tracee, stop)
      }
    }
    tracee.state = .ready
    if hasMoved { try recordPendingPreemption(before: nil) }
  }

  /// An instruction whose answer is the processor's: it is now part of the recording.
  private func handleInstruction(_ tracee: RecordTracee, _ instruction: TrappedInstruction) throws {
    var registers = try tracee.tracee.registers()
    switch instruction.kind {
    case .rdtsc, .rdtscp:
      let counter = rrs_rdtsc()
      registers.rax = counter & 0xffff_ffff
      registers.rdx = counter >> 32
      if instruction.kind == .rdtscp { registers.rcx = 0 }
      registers.rip &+= instruction.byteCount
      tracee.tracee.setRegisters(registers)
    case .rdrand, .rdseed, .rdpid:
      let status = try tracee.tracee.stepAlone()
      guard status == .signalStop(.trap) else {
        if status.rawExit != nil { throw TraceeDied(status: status) }
        tracee.pending.insert(status, at: 0)
        return try handleNext(tracee)
      }
      registers = try tracee.tracee.registers()
    }
    let event = try makeEvent(tracee, .instruction(NondeterministicInstruction(instruction.kind)), registers)
    tracee.state = .ready
    try append(event, of: tracee)
  }

  // MARK: - System calls

  private func handleEntry(_ tracee: RecordTracee) throws {
    let registers = try tracee.tracee.registers()
    let number = registers.syscallNumber
    if try tracee.tracee.failOtherABICall() {
      let call = "call \(number) of the 32-bit interface (int 0x80)"
      tracee.state = .ready
      return try noteUnsupported(tracee, "\(call) can't be recorded", errno: 38)
    }
    try resendStashedSignals(tracee)
    guard let row = SyscallTable.descriptor(number) else {
      try note(tracee, "system call \(number) is unknown to this rrs: the program gets ENOSYS for it")
      return try skip(tracee, registers, errno: 38)
    }
    let descriptor = row.resolved(for: registers)
    if try answersDumpable(tracee, registers) { return }
    switch descriptor.policy {
    case .refuse(let errno):
      try skip(tracee, registers, errno: errno, answering: row)
    case .unsupported(let errno):
      let reason = descriptor.note.map { " (\($0))" } ?? ""
      try noteUnsupported(tracee, "\(descriptor.name) can't be recorded\(reason)", errno: errno)
      try skip(tracee, registers, errno: errno, answering: row)
    case .emulate, .subcommand:
      if case .subcommand(let table) = row.policy, let subcommand = table.row(for: registers), subcommand.isGuess {
        tracee.call = PendingCall(descriptor: descriptor, entry: registers)
        tracee.call?.isGuess = true
      }
      try startCall(tracee, descriptor, registers)
    case .special(let handler):
      try startSpecial(tracee, handler, descriptor, registers)
    }
  }

  func noteUnsupported(_ tracee: RecordTracee, _ what: String, errno: Int32) throws {
    try note(
      tracee,
      "\(what): the program gets errno \(errno) for it; what it does then may differ from a run without rrs")
  }

  /// The kernel doesn't see the call; the tracee gets `-errno`, or 0.
  func skip(
    _ tracee: RecordTracee, _ registers: Registers, errno: Int32, answering row: SyscallDescriptor? = nil
  ) throws {
    var event = try makeEvent(
      tracee, .syscall(SyscallEvent(number: registers.syscallNumber, phase: .exit)), nil)
    if case .subcommand(let table)? = row?.policy, let subcommand = table.row(for: registers),
      !subcommand.answer.isEmpty
    {
      let address = RemotePointer(registers.argument(subcommand.answerArgument))
      if tracee.tracee.write(address, subcommand.answer) {
        appendMemory(&event, tracee.tracee, address, subcommand.answer.count)
      }
    }
    var result = registers
    result.syscallResult = Int64(-errno)
    event.registers = result
    tracee.call = nil
    tracee.state = .ready
    tracee.tracee.skipCall(result)
    try append(event, of: tracee)
  }

  /// Lets the kernel make the call. One that may sleep gives way to other tracees.
  func startCall(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) throws {
    var call = PendingCall(descriptor: descriptor, entry: registers)
    call.isGuess = tracee.call?.isGuess ?? false
    tracee.call = call
    readInitialLengths(tracee)
    let mayBlock = descriptor.blocking == .maybe
    guard mayBlock else {
      try engine.resume(tracee.tracee, .systemCall)
      tracee.state = .running
      try waitFor(tracee)
      return try handleNext(tracee)
    }
    try redirectOutputs(tracee)
    try recordPendingEntry(before: tracee)
    unrecordedEntry = tracee
    if !isPriorityInheriting(call), scheduler.delaysCall() {
      try recordPendingEntry(before: nil)
      tracee.isBeforeCall = true
      tracee.state = .ready
      return scheduler.yield()
    }
    try letSleep(tracee)
  }

  /// Lets the kernel make a call that may sleep.
  func letSleep(_ tracee: RecordTracee) throws {
    guard let call = tracee.call else { return }
    tracee.state = .inSyscall
    try engine.resume(tracee.tracee, .systemCall)
    if isPriorityInheriting(call) {
      try settleLock(tracee)
    } else if scheduler.hasReady {
      try waitBriefly(tracee)
    }
  }

  /// The call is done, or a signal interrupted it.
  func finishCall(_ tracee: RecordTracee) throws {
    guard let call = tracee.call else { return }
    var registers = try tracee.tracee.registers()
    let isInterrupted = (-516 ... -512).contains(registers.syscallResult)
    restoreArguments(&registers, call)
    tracee.tracee.setRegisters(registers)
    if unrecordedEntry === tracee { unrecordedEntry = nil }
    var details = SyscallEvent(number: call.entry.syscallNumber, phase: isInterrupted ? .interrupted : .exit)
    var event = try makeEvent(tracee, .syscall(details), registers)
    captureOutputs(&event, tracee, call, registers)
    if isPriorityInheriting(call) { captureLockWord(&event, tracee, call) }
    try finishSpecial(&event, &details, tracee, call, &registers)
    if call.isGuess, !registers.syscallFailed { try noteGuess(tracee, call) }
    event.kind = .syscall(details)
    event.registers = registers
    if let chunk = call.scratch, !isInterrupted { tracee.addressSpace.scratch.giveBack(chunk) }
    tracee.interruptedCall = isInterrupted ? call : nil
    tracee.call = nil
    tracee.state = .ready
    try append(event, of: tracee)
  }

  private func noteGuess(_ tracee: RecordTracee, _ call: PendingCall) throws {
    let request = call.entry.argument(1)
    try note(
      tracee,
      "\(call.descriptor.name) with request 0x\(String(request, radix: 16)) is unknown to this rrs: its output is "
        + "recorded as its number says, which may not be all of it")
  }

  /// Registers that rrs changed at the call's entry are the application's again.
  private func restoreArguments(_ registers: inout Registers, _ call: PendingCall) {
    for index in call.changedArguments { registers.setArgument(index, call.entry.argument(index)) }
  }
}

extension NondeterministicInstruction {
  fileprivate init(_ kind: TrappedInstruction.Kind) {
    switch kind {
    case .rdtsc: self = .rdtsc
    case .rdtscp: self = .rdtscp
    case .rdrand: self = .rdrand
    case .rdseed: self = .rdseed
    case .rdpid: self = .rdpid
    }
  }
}
