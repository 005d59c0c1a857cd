package import Execution
package import KernelABI
package import Replay
package import TraceFormat
import TraceeControl

/// A replay that has failed, where it failed: its tracees can be looked at, and that is all.
package final class EmergencyTarget: RecordingView {
  package let session: ReplaySession
  package let index: EventIndex
  package let processes: RecordedProcesses
  package let files: RecordedFiles
  package let layout: ExtendedStateLayout
  package let currentStop: DebugStop

  package var reader: TraceReader { session.reader }
  package var isMovable: Bool { false }

  /// Nil where no tracee is left. The event that failed is the session's next one.
  package init?(_ session: ReplaySession, layout: ExtendedStateLayout) throws {
    self.session = session
    self.layout = layout
    index = try EventIndex(directory: session.reader.directory)
    processes = try RecordedProcesses(session.reader.traceeCursor())
    files = try RecordedFiles(session.reader)
    let stuck = try index.event(session.eventCount + 1).flatMap { session.tracees[$0.tid] }
    guard let tracee = stuck ?? session.tracees.values.min(by: { $0.recordedTid < $1.recordedTid }) else { return nil }
    let process = tracee.tracee.threadGroup.recordedID.rawValue
    currentStop = DebugStop(
      thread: ThreadIdentity(process: process, thread: tracee.recordedTid.rawValue), reason: .signal(0))
  }

  private static let refusal = DebugError("this replay has failed: it can be looked at where it is, and goes nowhere")

  // MARK: - Changes

  package func setRegisters(_ registers: ThreadRegisters, of thread: ThreadIdentity) throws(DebugError) {
    // A debugger that gives back what it has read changes nothing, and no call that was begun is begun again here.
    var own = try self.registers(of: thread)
    own.general.origRax = registers.general.origRax
    guard own == registers else { throw Self.refusal }
  }

  package func writeMemory(_ process: Int32, _ address: UInt64, _ bytes: [UInt8]) throws(DebugError) {
    throw Self.refusal
  }

  package func signalInfo(_ thread: ThreadIdentity) -> [UInt8] { SignalInfo().bytes }
  package func setSignalInfo(_ thread: ThreadIdentity, _ bytes: [UInt8]) {}

  // MARK: - Going somewhere

  package func insert(_ breakpoint: Breakpoint) throws(DebugError) { throw Self.refusal }
  package func remove(_ breakpoint: Breakpoint) {}
  package func setPassedSignals(_ signals: Set<Int32>) {}

  package func resume(_ request: ResumeRequest, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop {
    throw Self.refusal
  }

  package func go(to place: DebugPlace, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop {
    throw Self.refusal
  }

  package func command(_ name: String, _ arguments: [String], thread: ThreadIdentity?) -> CommandAnswer {
    // gdb's script notes every stop.
    if name == "history-push" { return .text("") }
    do {
      return .text(try answerAboutPlace(name, thread ?? currentStop.thread) ?? "\(Self.refusal)")
    } catch {
      return .text("\(error)")
    }
  }
}
