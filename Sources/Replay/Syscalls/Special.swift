import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// Calls that replay does on its tracees: those that change the address space or the process tree. All others are
// registers and bytes from the trace.
extension ReplaySession {
  /// At the exit of a recorded call. The tracee stands before the instruction that made it.
  func performSpecial(
    _ tracee: ReplayTracee, _ event: TraceEvent, _ call: SyscallEvent, _ recorded: Registers
  ) throws {
    if !recorded.syscallFailed { applyStackLimit(tracee, call, recorded) }
    noteName(tracee, call, recorded)
    guard !recorded.syscallFailed, case .special(let handler)? = SyscallTable.descriptor(call.number)?.policy else {
      return
    }
    switch handler {
    case .map, .attachSharedMemory:
      try makeMappings(tracee, event)
    case .unmap:
      try tracee.tracee.forgetAbsent(argumentRange(recorded))
      try remote(tracee, "munmap", SyscallNumber.munmap, recorded, count: 2)
      try noteMapping(tracee, recorded, protection: 0)
    case .remap:
      try replayRemap(tracee, event, recorded)
    case .protect:
      try tracee.tracee.bringIn(argumentRange(recorded))
      try remote(tracee, "mprotect", SyscallNumber.mprotect, recorded, count: 3)
      try noteMapping(tracee, recorded, protection: Int32(truncatingIfNeeded: recorded.argument(2)))
    case .programBreak:
      try replayProgramBreak(tracee, event, recorded)
    case .advise:
      try replayAdvise(tracee, recorded)
    case .detachSharedMemory:
      try replayDetach(tracee, RemotePointer(recorded.argument(0)))
    case .clone:
      try makeChild(event, call, parent: tracee)
    case .exec, .exit, .signalReturn, .archControl, .wait, .writeFile, .receiveMessage, .open, .affinity, .scheduling,
      .threadBookkeeping, .restart, .remoteMemory, .sendSignal:
      // Registers and recorded bytes say it all.
      break
    }
  }

  private func noteName(_ tracee: ReplayTracee, _ call: SyscallEvent, _ recorded: Registers) {
    let setName: UInt64 = 15
    guard call.number == SyscallNumber.prctl, recorded.argument(0) == setName else { return }
    tracee.name = tracee.tracee.readText(RemotePointer(recorded.argument(1)), limit: 16)
  }

  /// setrlimit(2) and prlimit(2) of the process itself: the limit decides where a stack overflow faults.
  private func applyStackLimit(_ tracee: ReplayTracee, _ call: SyscallEvent, _ recorded: Registers) {
    let new: Int
    switch call.number {
    case SyscallNumber.setrlimit where recorded.argument(0) == ResourceLimits.stackResource: new = 1
    case SyscallNumber.prlimit64 where recorded.argument(1) == ResourceLimits.stackResource: new = 2
    default: return
    }
    var target = tracee
    if new == 2, let named = tracees[Tid(Int32(truncatingIfNeeded: recorded.argument(0)))] { target = named }
    if let limit = tracee.tracee.read(RemotePointer(recorded.argument(new)), as: UInt64.self) {
      ResourceLimits.setStack(target.tracee.tid, limit)
    }
  }

  private func noteMapping(_ tracee: ReplayTracee, _ recorded: Registers, protection: Int32) throws {
    try engine.didChangeMapping(tracee.tracee, argumentRange(recorded), protection: protection)
  }

  /// What munmap(2) and its like are told: an address and a byte count, of which whole pages count.
  private func argumentRange(_ recorded: Registers) -> RemoteRange {
    RemoteRange(RemotePointer(recorded.argument(0)), byteCount: RemotePointer(recorded.argument(1)).pageEnd.rawValue)
  }

  /// The recorded call with its recorded arguments.
  private func remote(
    _ tracee: ReplayTracee, _ name: String, _ number: Int, _ recorded: Registers, count: Int
  ) throws {
    var arguments = (0..<3).map { recorded.argument($0) }
    for index in count..<3 { arguments[index] = 0 }
    _ = try tracee.tracee.checkedRemoteCall(name, number, arguments[0], arguments[1], arguments[2])
  }
}
