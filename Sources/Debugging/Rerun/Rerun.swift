package import Execution
import KernelABI
package import Replay
package import TraceFormat
import TraceeControl

/// `rrs rerun`: replays a recording, and writes down the registers on the way.
package final class Rerun {
  package struct Options {
    /// The first event whose code is written down, and the one that is no more replayed.
    package var start: UInt64 = 1
    package var end: UInt64 = .max
    package var stepFields: [RecordField] = []
    package var eventFields: [RecordField] = []
    package var isBinary = false
    /// A function to be called at the start, in place of what was recorded.
    package var function: UInt64?

    package init() {}
  }

  private let session: ReplaySession
  private let options: Options
  private let layout: ExtendedStateLayout
  private let steps: RecordFormat
  private let events: RecordFormat
  /// Of the code before the next event.
  private var instructionCount: UInt64 = 0
  private var hasBegun = false

  /// A return to this address ends the function that was called: nothing is mapped there.
  private static let returnAddress: UInt64 = 9

  package init(_ session: ReplaySession, options: Options, layout: ExtendedStateLayout) {
    self.session = session
    self.options = options
    self.layout = layout
    steps = RecordFormat(fields: options.stepFields, isBinary: options.isBinary)
    events = RecordFormat(fields: options.eventFields, isBinary: options.isBinary)
  }

  /// `write` is given one record after the other. Throws `DebugError` where the function can't be called, and what
  /// replays throw.
  package func run(_ write: ([UInt8]) -> Void) throws {
    defer { session.killAll() }
    // To count instructions is to step, too.
    let isStepped = !options.stepFields.isEmpty || options.eventFields.contains { $0.name == "icount" }
    while let next = try session.reader.peekEvent(), next.number < options.end, !session.hasEnded {
      var control: CodeControl?
      if next.number >= options.start, let tracee = session.tracees[next.tid] {
        if !hasBegun, try begin(tracee, next, write) { return }
        if isStepped {
          control = CodeControl()
          control?.steppedTid = next.tid
        }
      }
      switch try session.advance(control) {
      case .ended: break
      case .paused:
        guard let tracee = session.tracees[next.tid] else { continue }
        instructionCount += 1
        try emit(steps, next.number, tracee, write)
      case .event(let event, _):
        if event.number >= options.start { try finish(event, write) }
        instructionCount = 0
      }
    }
    if options.function != nil, !hasBegun { throw DebugError("no thread runs at event \(options.start)") }
  }

  /// Before anything of the start event has happened. Whether this was all.
  private func begin(_ tracee: ReplayTracee, _ next: TraceEvent, _ write: ([UInt8]) -> Void) throws -> Bool {
    hasBegun = true
    if let function = options.function {
      try call(function, tracee, next, write)
      return true
    }
    try emit(steps, next.number - 1, tracee, write)
    return false
  }

  private func finish(_ event: TraceEvent, _ write: ([UInt8]) -> Void) throws {
    // The first image has nothing before it.
    if options.function == nil { hasBegun = true }
    guard let tracee = session.tracees[event.tid] else { return }
    if event.isInstruction { instructionCount += 1 }
    if event.givesRegisters { try emit(steps, event.number, tracee, write, event) }
    try emit(events, event.number, tracee, write, event)
  }

  private func emit(
    _ format: RecordFormat, _ event: UInt64, _ tracee: ReplayTracee, _ write: ([UInt8]) -> Void,
    _ done: TraceEvent? = nil
  ) throws {
    guard !format.fields.isEmpty else { return }
    let engine = session.engine
    var moment = RecordedMoment(
      event: event, instructionCount: instructionCount, tid: tracee.recordedTid,
      ticks: engine.ticks(of: tracee.tracee), general: try engine.visibleRegisters(of: tracee.tracee))
    // A tracee that goes on isn't in a call any more; its event knows which one that was.
    if case .syscall? = done?.kind, let recorded = done?.registers { moment.general.origRax = recorded.origRax }
    if format.wantsExtendedState {
      moment.extended = ProcessorState(bytes: try Ptrace.extendedState(tracee.tracee.tid), layout: layout)
    }
    write(format.record(moment))
  }

  // MARK: - A function

  /// Calls a function with zeros as its arguments, in a copy of the tracee.
  private func call(
    _ function: UInt64, _ original: ReplayTracee, _ next: TraceEvent, _ write: ([UInt8]) -> Void
  ) throws {
    let diversion = try Diversion(session, original.recordedTid)
    defer { diversion.end() }
    diversion.showsOutput = false
    var registers = try diversion.tracee.tracee.registers()
    // Behind what leaf functions keep below the stack pointer, and as calls leave it (System V ABI for AMD64, 3.2.2).
    registers.rsp = ((registers.rsp &- 128) & ~15) &- 8
    registers.rip = function
    registers.rdi = 0
    registers.rsi = 0
    registers.origRax = .max
    let sentinel = withUnsafeBytes(of: Self.returnAddress.littleEndian) { Array($0) }
    guard diversion.write(RemotePointer(registers.rsp), sentinel) else {
      throw DebugError("thread \(original.recordedTid) has no stack at event \(next.number)")
    }
    diversion.tracee.tracee.setRegisters(registers)
    let tracee = diversion.tracee
    let process = tracee.tracee.threadGroup.recordedID
    let thread = ThreadIdentity(process: process.rawValue, thread: tracee.recordedTid.rawValue)
    while true {
      let reason = try diversion.resume(steps.fields.isEmpty ? nil : thread, StopSet(), { false })
      let place = try tracee.tracee.registers().rip
      if case .step = reason {
        instructionCount += 1
        try emit(steps, next.number, tracee, write)
      }
      if place == Self.returnAddress { return }
      if case .signal(let number) = reason {
        throw DebugError("the function at \(RemotePointer(function)) got signal \(number) at \(RemotePointer(place))")
      }
    }
  }
}

extension TraceEvent {
  /// The thread has executed an instruction with it.
  fileprivate var isInstruction: Bool {
    switch kind {
    case .syscall(let call): call.phase == .exit
    case .instruction: true
    default: false
    }
  }

  /// The thread goes on with other registers than before.
  fileprivate var givesRegisters: Bool {
    switch kind {
    case .syscall(let call): call.phase != .entry
    case .signal(let signal): signal.disposition == .handler
    case .instruction, .imageStart: true
    default: false
    }
  }
}
