package import KernelABI
import Replay
import TraceFormat
import TraceeControl

// What a debugger changes of a recorded process, in a diversion, and its signals.
extension DebugSession {
  package func setRegisters(_ registers: ThreadRegisters, of thread: ThreadIdentity) throws(DebugError) {
    // A debugger that gives back what it has read changes nothing, and no call that was begun is begun again here.
    if diversion == nil, var own = try? self.registers(of: thread) {
      own.general.origRax = registers.general.origRax
      if own == registers { return }
    }
    let diversion = try requireDiversion("the registers", Tid(thread.thread))
    guard diversion.tracee.recordedTid.rawValue == thread.thread else {
      throw DebugError("only thread \(diversion.tracee.recordedTid) can be changed here")
    }
    try debugging { try diversion.setRegisters(registers) }
  }

  package func writeMemory(_ process: Int32, _ address: UInt64, _ bytes: [UInt8]) throws(DebugError) {
    let diversion = try requireDiversion("the memory", nil)
    guard diversion.tracee.tracee.threadGroup.recordedID.rawValue == process else {
      throw DebugError("only process \(diversion.tracee.tracee.threadGroup.recordedID) can be changed here")
    }
    guard diversion.write(RemotePointer(address), bytes) else {
      throw DebugError("\(RemotePointer(address)) isn't mapped", number: 14)
    }
  }

  // MARK: - Signals

  package func signalInfo(_ thread: ThreadIdentity) throws(DebugError) -> [UInt8] {
    announceDiversion()
    guard diversion == nil, case .signal(let number) = currentStop.reason, number != 0 else {
      return SignalInfo().bytes
    }
    return try debugging {
      try timeline.index.signalInfo(ofEvent: timeline.session.eventCount + 1) ?? SignalInfo().bytes
    }
  }

  package func setSignalInfo(_ thread: ThreadIdentity, _ bytes: [UInt8]) { leaveDiversion() }
}
