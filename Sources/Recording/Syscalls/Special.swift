import Execution
import KernelABI
import Scheduling
import Syscalls
import TraceFormat
import TraceeControl

// The calls that a table row can't describe alone. Each family has its file here; these two functions are the way in.
extension RecordSession {
  /// At the entry of a special call.
  func startSpecial(
    _ tracee: RecordTracee, _ handler: SpecialHandler, _ descriptor: SyscallDescriptor, _ registers: Registers
  ) throws {
    switch handler {
    case .clone: try startClone(tracee, descriptor, registers)
    case .exec: try startExec(tracee, descriptor, registers)
    case .exit: try startExit(tracee, descriptor, registers)
    case .affinity: try startAffinity(tracee, descriptor, registers)
    case .advise: try startAdvise(tracee, descriptor, registers)
    case .archControl: try startArchControl(tracee, descriptor, registers)
    case .restart: try startRestart(tracee, descriptor, registers)
    case .signalReturn: try startSignalReturn(tracee, descriptor, registers)
    case .writeFile: try startWrite(tracee, descriptor, registers)
    case .map, .unmap, .remap, .protect, .programBreak, .attachSharedMemory, .detachSharedMemory, .wait,
      .receiveMessage, .open, .scheduling, .threadBookkeeping, .remoteMemory, .sendSignal:
      try startCall(tracee, descriptor, registers)
    }
  }

  /// At the exit of any call, once its described output is recorded.
  func finishSpecial(
    _ event: inout TraceEvent, _ details: inout SyscallEvent, _ tracee: RecordTracee, _ call: PendingCall,
    _ registers: inout Registers
  ) throws {
    guard case .special(let handler) = call.descriptor.policy else { return }
    switch handler {
    case .writeFile: finishWrite(&event, &details, tracee, call, registers)
    case .affinity: finishAffinity(&event, tracee, call, registers)
    case .signalReturn:
      event.extendedState = try Ptrace.extendedState(tracee.tid)
      // The kernel forgets the call's number here, by which the engine knows a boundary.
      tracee.signalIsDue = hasDueSignal(tracee)
    default: break
    }
    guard !registers.syscallFailed else { return }
    switch handler {
    case .map: try finishMap(&event, tracee, call, registers)
    case .unmap, .protect: try finishMappingChange(tracee, call)
    case .advise:
      let start = RemotePointer(call.entry.argument(0))
      engine.didWriteMemory(tracee.tracee, RemoteRange(start, byteCount: call.entry.argument(1)))
    case .remap: try finishRemap(&event, tracee, call, registers)
    case .programBreak: finishProgramBreak(tracee, registers)
    case .attachSharedMemory: try finishAttach(&event, tracee, registers)
    case .open: finishOpen(&details, tracee, registers)
    case .threadBookkeeping: finishThreadBookkeeping(tracee, call)
    case .scheduling:
      if call.descriptor.number == SyscallNumber.sched_yield { scheduler.yield() }
    case .remoteMemory: captureRemoteWrite(&event, call, registers)
    default: break
    }
  }

  // MARK: - Small families

  /// PR_SET_DUMPABLE and PR_GET_DUMPABLE: the kernel doesn't hear of the wish, but the program gets back what it set.
  func answersDumpable(_ tracee: RecordTracee, _ registers: Registers) throws -> Bool {
    let get: UInt64 = 3, set: UInt64 = 4
    guard registers.syscallNumber == SyscallNumber.prctl, [get, set].contains(registers.argument(0)) else {
      return false
    }
    if registers.argument(0) == get {
      try answer(tracee, registers, result: Int64(tracee.addressSpace.dumpable))
    } else if registers.argument(1) <= 1 {
      tracee.addressSpace.dumpable = registers.argument(1)
      try answer(tracee, registers, result: 0)
    } else {
      try answer(tracee, registers, result: -22)
    }
    return true
  }

  /// A result that rrs gives in the kernel's place.
  private func answer(_ tracee: RecordTracee, _ registers: Registers, result: Int64) throws {
    var answered = registers
    answered.syscallResult = result
    let event = try makeEvent(
      tracee, .syscall(SyscallEvent(number: registers.syscallNumber, phase: .exit)), answered)
    tracee.tracee.skipCall(answered)
    tracee.state = .ready
    try append(event, of: tracee)
  }

  /// sched_setaffinity has no effect; the others tell of `--num-cores` processors.
  private func startAffinity(
    _ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers
  ) throws {
    if descriptor.number == SyscallNumber.sched_setaffinity {
      return try skip(tracee, registers, errno: affinityError(tracee, registers))
    }
    try startCall(tracee, descriptor, registers)
  }

  /// The errno that the kernel would give for this mask, 0 for a good one.
  private func affinityError(_ tracee: RecordTracee, _ registers: Registers) -> Int32 {
    let count = Int(clamping: min(registers.argument(1), 1024))
    guard let mask = tracee.tracee.readBytes(RemotePointer(registers.argument(2)), count: count) else { return 14 }
    return mask.contains { $0 != 0 } ? 0 : 22
  }

  private func finishAffinity(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall, _ registers: Registers
  ) {
    guard !registers.syscallFailed else { return }
    event.memoryWrites = []
    if call.descriptor.number == SyscallNumber.getcpu {
      for index in 0..<2 where call.entry.argument(index) != 0 {
        let address = RemotePointer(call.entry.argument(index))
        tracee.tracee.write(address, value: UInt32(0))
        appendMemory(&event, tracee.tracee, address, 4)
      }
      return
    }
    let address = RemotePointer(call.entry.argument(2))
    var mask = [UInt8](repeating: 0, count: Int(registers.syscallResult))
    for core in 0..<min(options.visibleCoreCount, mask.count * 8) { mask[core / 8] |= 1 << UInt8(core % 8) }
    tracee.tracee.write(address, mask)
    appendMemory(&event, tracee.tracee, address, mask.count)
  }

  /// arch_prctl: CPUID faulting is rrs's own business.
  private func startArchControl(
    _ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers
  ) throws {
    let setCPUID: UInt64 = 0x1012, getCPUID: UInt64 = 0x1011, shadowStackFirst: UInt64 = 0x5001
    switch registers.argument(0) {
    case setCPUID: try skip(tracee, registers, errno: 19)
    case getCPUID: try answer(tracee, registers, result: 1)
    case shadowStackFirst...0x5005: try skip(tracee, registers, errno: 95)
    default: try startCall(tracee, descriptor, registers)
    }
  }

  /// The kernel goes on with the call that a stop interrupted (restart_syscall(2)): its row describes the output.
  private func startRestart(
    _ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers
  ) throws {
    guard var call = tracee.interruptedCall else { return try startCall(tracee, descriptor, registers) }
    call.entry.origRax = registers.origRax
    tracee.call = call
    // The kernel kept the pointers of the first entry: the scratch memory behind them is still this call's.
    call.changedArguments = []
    tracee.state = .inSyscall
    try engine.resume(tracee.tracee, .systemCall)
    try recordPendingEntry(before: tracee)
    unrecordedEntry = tracee
    if scheduler.hasReady { try waitBriefly(tracee) }
  }

  private func startSignalReturn(
    _ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers
  ) throws {
    tracee.call = PendingCall(descriptor: descriptor, entry: registers)
    try engine.resume(tracee.tracee, .systemCall)
    tracee.state = .running
    try waitFor(tracee)
    try handleNext(tracee)
  }

  /// MADV_FREE pages may vanish at any moment: here they do at once, which is one of the outcomes it allows.
  private func startAdvise(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) throws {
    let free: UInt64 = 8, dontNeed: UInt64 = 4
    guard descriptor.number == SyscallNumber.madvise, registers.argument(2) == free else {
      return try startCall(tracee, descriptor, registers)
    }
    var changed = registers
    changed.setArgument(2, dontNeed)
    tracee.tracee.setRegisters(changed)
    tracee.call = PendingCall(descriptor: descriptor, entry: registers, changedArguments: [2])
    try engine.resume(tracee.tracee, .systemCall)
    tracee.state = .running
    try waitFor(tracee)
    try handleNext(tracee)
  }

  private func finishThreadBookkeeping(_ tracee: RecordTracee, _ call: PendingCall) {
    let address = RemotePointer(call.entry.argument(0))
    switch call.descriptor.number {
    case SyscallNumber.set_tid_address: tracee.clearTidAddress = address
    case SyscallNumber.set_robust_list: tracee.robustList = address
    default: break
    }
  }

  /// process_vm_writev(2) into another tracee: what it wrote there is this event's.
  private func captureRemoteWrite(_ event: inout TraceEvent, _ call: PendingCall, _ registers: Registers) {
    guard let target = tracees[Tid(Int32(truncatingIfNeeded: call.entry.argument(0)))],
      let caller = tracees[event.tid]
    else { return }
    let vectors = readVectors(caller.tracee, RemotePointer(call.entry.argument(3)), count: call.entry.argument(4))
    captureVectors(&event, target.tracee, vectors, byteCount: Int(registers.syscallResult))
  }
}
