import CLinuxShim
import Execution
import KernelABI
import Scheduling
import TraceFormat
import TraceeControl

// Signals. A signal that wasn't raised by the tracee's own instruction is delivered at a point that a replay finds
// again: right after a system call, or at a tick of an engine that counts them.
extension RecordSession {
  func handleSignal(_ tracee: RecordTracee, _ info: SignalInfo, isAtBoundary: Bool) throws {
    let signal = info.signal
    // Nothing has been executed since the tracee was let run, but that may have been in the middle of code, on its way
    // to the next tick.
    let isReproducible = info.isFault || isAtBoundary && !tracee.isMidCode || tracee.signalIsDue
    tracee.isMidCode = !isReproducible
    tracee.signalIsDue = false
    if signal == options.ignoredSignal { return dropSignal(tracee) }
    let info = original(tracee, info)
    let disposition = disposition(of: info, tracee)
    switch disposition {
    case .ignored:
      dropSignal(tracee)
    case .handler, .fatal, .stop:
      let isOverdue = tracee.fatalDeadline.map { rrs_monotonic_nanoseconds() >= $0 } ?? false
      if !isReproducible, !(isOverdue && disposition == .fatal) {
        stash(tracee, info)
        if engine.countsTicks {
          // On to the next tick, before anyone else runs.
          tracee.nextTick = engine.ticks(of: tracee.tracee) + scheduler.signalDelayTicks()
          return try runOn(tracee)
        }
        if disposition == .fatal, tracee.fatalDeadline == nil { setFatalDeadline(tracee) }
        return dropSignal(tracee)
      }
      try Ptrace.setSignalInfo(tracee.tid, info)
      if disposition == .fatal, signal == options.continueThroughSignal { return dropSignal(tracee) }
      if !info.isFault { try recordPlace(of: tracee) }
      try deliver(tracee, info, disposition)
    }
  }

  /// Where ticks alone don't name a place, a signal that isn't right behind a system call comes behind an event that
  /// has the registers. A handler's event has those of the handler.
  private func recordPlace(of tracee: RecordTracee) throws {
    let registers = try tracee.tracee.registers()
    guard engine.tickUnit == .retiredConditionalBranches, registers.syscallNumber < 0 else { return }
    let event = try makeEvent(tracee, .preemption, registers)
    try append(event, of: tracee)
  }

  /// A loop without system calls would never meet the signal that is to end it. After half a second it ends where it
  /// is: replay ends it at its last event, since nothing of what it did after that can be seen by others.
  private func setFatalDeadline(_ tracee: RecordTracee) {
    let milliseconds: UInt32 = 500
    tracee.fatalDeadline = rrs_monotonic_nanoseconds() + UInt64(milliseconds) * 1_000_000
    rrs_alarm(milliseconds + 10)
  }

  /// Sends stashed fatal signals again whose time has come.
  func deliverOverdueSignals() {
    let now = rrs_monotonic_nanoseconds()
    for tracee in tracees.values where tracee.state == .running {
      if let deadline = tracee.fatalDeadline, now >= deadline, !tracee.stashedSignals.isEmpty {
        sendAgain(tracee)
      }
    }
  }

  /// Whether a signal is pending that the tracee doesn't block.
  func hasDueSignal(_ tracee: RecordTracee) -> Bool {
    let masks = ProcFS.statusMasks(tracee.tid, ["SigPnd", "ShdPnd", "SigBlk"]).map { $0 ?? 0 }
    return (masks[0] | masks[1]) & ~masks[2] != 0
  }

  /// Keeps a signal for the tracee's next system call.
  func stash(_ tracee: RecordTracee, _ info: SignalInfo) {
    tracee.stashedSignals.append(original(tracee, info))
  }

  /// The signal that this one stands for, if rrs sent it in place of a stashed one.
  private func original(_ tracee: RecordTracee, _ info: SignalInfo) -> SignalInfo {
    guard isOurs(info), let index = tracee.resentSignals.firstIndex(where: { $0.signal == info.signal }) else {
      return info
    }
    return tracee.resentSignals.remove(at: index)
  }

  /// The tracee goes on as if the signal had not come.
  private func dropSignal(_ tracee: RecordTracee) { tracee.state = .ready }

  /// Sent by rrs itself, in `resendStashedSignals`.
  private func isOurs(_ info: SignalInfo) -> Bool {
    let sender = info.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: Int32.self) }
    return info.code == -6 /* SI_TKILL */ && Int(sender) == rrs_syscall(SyscallNumber.getpid, 0, 0, 0, 0, 0, 0)
  }

  /// Signals that came in the middle of application code come again, now that a boundary is near.
  func resendStashedSignals(_ tracee: RecordTracee) throws {
    guard !tracee.stashedSignals.isEmpty else { return }
    tracee.fatalDeadline = nil
    sendAgain(tracee)
  }

  private func sendAgain(_ tracee: RecordTracee) {
    for info in tracee.stashedSignals {
      tracee.resentSignals.append(info)
      _ = rrs_syscall(
        SyscallNumber.tgkill, UInt(tracee.group.id.rawValue), UInt(tracee.tid.rawValue),
        UInt(info.signal.rawValue), 0, 0, 0)
    }
    tracee.stashedSignals = []
  }

  private func disposition(of info: SignalInfo, _ tracee: RecordTracee) -> SignalEvent.Disposition {
    let signal = info.signal
    let bit = UInt64(1) << UInt64(signal.rawValue - 1)
    if signal != .kill, signal != .stop, let caught = ProcFS.statusMask(tracee.tid, "SigCgt"), caught & bit != 0 {
      return .handler
    }
    if !info.isFault, let ignored = ProcFS.statusMask(tracee.tid, "SigIgn"), ignored & bit != 0 { return .ignored }
    switch signal.defaultAction {
    case .ignore, .continue: return .ignored
    case .stop: return .stop
    case .terminate, .dumpCore: return .fatal
    }
  }

  private func deliver(_ tracee: RecordTracee, _ info: SignalInfo, _ disposition: SignalEvent.Disposition) throws {
    let details = SignalEvent(
      signal: info.signal, siginfo: info.bytes, isDeterministic: info.isFault, disposition: disposition)
    switch disposition {
    case .handler:
      try deliverToHandler(tracee, details)
    case .fatal, .stop, .ignored:
      let registers = try tracee.tracee.registers()
      let event = try makeEvent(tracee, .signal(details), registers)
      try append(event, of: tracee)
      tracee.interruptedCall = nil
      tracee.state = .running
      try engine.resume(tracee.tracee, .application(signal: info.signal, until: nil))
      // Others may run meanwhile: what this one reports next is its end or its stop.
      if disposition == .fatal { tracee.state = .dying }
    }
  }

  /// Lets the kernel make the handler's frame, and records it.
  private func deliverToHandler(_ tracee: RecordTracee, _ details: SignalEvent) throws {
    try recordPendingEntry(before: tracee)
    try engine.resume(tracee.tracee, .step(signal: details.signal))
    try waitFor(tracee)
    let status = tracee.pending.removeFirst()
    guard let stop = try engine.interpret(tracee.tracee, status) else { return }
    guard stop == .step else {
      // No room for the frame: the kernel raises SIGSEGV instead. Or the tracee was killed.
      return try handle(tracee, stop)
    }
    let registers = try tracee.tracee.registers()
    var event = try makeEvent(tracee, .signal(details), registers)
    appendMemory(&event, tracee.tracee, registers.stackPointer, frameByteCount(tracee.tracee, registers))
    event.extendedState = try Ptrace.extendedState(tracee.tid)
    if let call = tracee.interruptedCall, let chunk = call.scratch {
      tracee.addressSpace.scratch.giveBack(chunk)
    }
    tracee.interruptedCall = nil
    tracee.state = .ready
    try append(event, of: tracee)
  }

  /// The size of `struct rt_sigframe` and the XSAVE area above it (arch/x86/include/asm/sigframe.h and
  /// uapi/asm/sigcontext.h): the return address, a ucontext with a pointer to the area, the siginfo.
  private func frameByteCount(_ tracee: Tracee, _ registers: Registers) -> Int {
    let frame = registers.stackPointer
    let minimum = 8 + 304 + SignalInfo.byteCount
    // uc_flags, uc_link, uc_stack (24), then 23 words of sigcontext before fpstate.
    guard
      let area = tracee.read(frame + 8 + 40 + 23 * 8, as: UInt64.self), area > frame.rawValue,
      area - frame.rawValue < 65536
    else { return minimum }
    let magic = tracee.read(RemotePointer(area + 464), as: UInt32.self) ?? 0
    let extended = tracee.read(RemotePointer(area + 468), as: UInt32.self) ?? 0
    let areaByteCount = magic == 0x4650_5853 && extended < 65536 ? Int(extended) : 512
    return Int(area - frame.rawValue) + areaByteCount
  }
}
