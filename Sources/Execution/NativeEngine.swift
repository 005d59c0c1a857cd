package import KernelABI
package import TraceeControl

/// Runs tracees natively, without counting ticks: they change at system calls alone, and asynchronous signals wait for
/// the next one.
package final class NativeEngine: Engine {
  package let name = "native"
  package let tickUnit: TickUnit? = nil
  package let interceptsCPUID = false

  private func state(of tracee: Tracee) -> NativeTracee {
    if let state = tracee.engineState as? NativeTracee { return state }
    let state = NativeTracee()
    tracee.engineState = state
    return state
  }

  package init() {}

  package func resume(_ tracee: Tracee, _ request: RunRequest) throws(KernelError) {
    if case .step = request { state(of: tracee).isStepping = true } else { state(of: tracee).isStepping = false }
    switch request {
    case .application(let signal, _): try tracee.resume(signal: signal)
    case .systemCall: try tracee.resumeToSyscallStop()
    case .step(let signal): try tracee.step(signal: signal)
    case .groupStop:
      try tracee.flushRegisters()
      try Ptrace.listen(tracee.tid)
    }
  }

  package func interpret(_ tracee: Tracee, _ status: WaitStatus) throws(KernelError) -> Stop? {
    switch status {
    case .exited, .killed:
      tracee.isAlive = false
      return .exited(status)
    case .syscallStop:
      return .syscallExit
    case .event(.seccomp, _):
      return .syscallEntry
    case .event(.exit, _):
      return .exiting(rawStatus: Int32(truncatingIfNeeded: try Ptrace.eventMessage(tracee.tid)))
    case .event(.exec, _):
      return .execed(formerTid: Tid(Int32(truncatingIfNeeded: try Ptrace.eventMessage(tracee.tid))))
    case .event(.fork, _): return try .cloned(newTid(tracee), .fork)
    case .event(.vfork, _): return try .cloned(newTid(tracee), .vfork)
    case .event(.clone, _): return try .cloned(newTid(tracee), .clone)
    case .event(.vforkDone, _), .continued:
      return nil
    case .event(.stop, let signal):
      return .groupStop(signal == .trap ? nil : signal)
    case .signalStop:
      return try signalStop(tracee)
    }
  }

  private func newTid(_ tracee: Tracee) throws(KernelError) -> Tid {
    Tid(Int32(truncatingIfNeeded: try Ptrace.eventMessage(tracee.tid)))
  }

  private func signalStop(_ tracee: Tracee) throws(KernelError) -> Stop {
    let info = try Ptrace.signalInfo(tracee.tid)
    let registers = try tracee.registers()
    if info.signal == .trap, state(of: tracee).isStepping { return .step }
    if info.signal == .segmentationFault, info.code == SignalCode.kernel,
      let instruction = trappedInstruction(tracee, at: registers.instructionPointer)
    {
      return .instruction(instruction)
    }
    // The kernel sets orig_rax to the call's number on the way out of a system call, and to -1 where an interrupt or a
    // fault stopped the program (arch/x86/entry/entry_64.S).
    return .signal(info, isAtBoundary: info.isFault || registers.syscallNumber >= 0)
  }

  /// PR_SET_TSC makes rdtsc a general protection fault (prctl(2)).
  private func trappedInstruction(_ tracee: Tracee, at address: RemotePointer) -> TrappedInstruction? {
    guard let bytes = tracee.readBytes(address, count: 2) else { return nil }
    if bytes == [0x0f, 0x31] { return .init(.rdtsc, byteCount: 2) }
    if bytes == [0x0f, 0x01], tracee.read(address + 2, as: UInt8.self) == 0xf9 { return .init(.rdtscp, byteCount: 3) }
    return nil
  }

  package func standsBeforeInterceptedInstruction(_ tracee: Tracee) -> Bool { false }
  package func ticks(of tracee: Tracee) -> UInt64 { 0 }
  package func didStartImage(_ tracee: Tracee) {}
  package func didClone(parent: Tracee, child: Tracee) {}
  package func didExit(_ tracee: Tracee) {}
  package func didChangeMapping(_ tracee: Tracee, _ range: RemoteRange, protection: Int32) {}
  package func didWriteMemory(_ tracee: Tracee, _ range: RemoteRange) {}
}

/// What native execution keeps of a tracee.
class NativeTracee: EngineState {
  /// The last request was to step: the SIGTRAP that follows is the engine's own.
  final var isStepping = false
}

/// `si_code` values of sigaction(2) that rrs tells apart.
package enum SignalCode {
  package static let kernel: Int32 = 0x80
  /// TRAP_TRACE: an instruction was stepped over.
  package static let trace: Int32 = 2
  /// TRAP_BRKPT: a step that ended behind a system call, and executed no instruction (include/linux/ptrace.h,
  /// user_single_step_report).
  package static let behindCall: Int32 = 1
  /// TRAP_HWBKPT: a debug register's condition was met.
  package static let debugRegister: Int32 = 4
}
