import CLinuxShim
package import Execution
package import KernelABI
import Syscalls
import SystemPackage
package import TraceFormat
import TraceeControl

/// One replay: the recorded tracees, fed with the recorded inputs, event by event.
///
/// System calls aren't made again: their results and what they wrote come from the trace. Those that change the address
/// space or the process tree are done on the tracees by remote calls; nothing reaches the outside but what the
/// recorded program wrote to rrs's stdout and stderr.
package final class ReplaySession {
  let options: ReplayOptions
  package private(set) var reader: TraceReader
  package let engine: any Engine
  /// By the tid at recording.
  package internal(set) var tracees: [Tid: ReplayTracee] = [:]
  let files: ReplayFiles
  /// The events that are done.
  package internal(set) var eventCount: UInt64 = 0
  /// Stops of tracees that are gone.
  var pastStopCount: UInt64 = 0
  var stopCount: UInt64 { tracees.values.reduce(pastStopCount) { $0 + $1.tracee.stopCount } }
  var notes: [String] = []
  var rootStatus: WaitStatus?
  var rootTid: Tid?
  var history = EventHistory()
  package internal(set) var hasEnded = false
  /// Whether the program's output is shown.
  package var isVisible = true
  /// What a debugger wants; set while an event is being replayed.
  var control: CodeControl?
  /// As of when `takeChangedWatches` was last asked.
  var watchedValues: [[UInt8]?] = []
  /// The program counter of the place at which the last event happened.
  package internal(set) var eventProgramCounter: UInt64 = 0

  package convenience init(options: ReplayOptions, reader: TraceReader, engine: any Engine) {
    self.init(
      options: options, reader: reader, engine: engine, files: ReplayFiles(reader: reader, force: options.force))
  }

  init(options: ReplayOptions, reader: TraceReader, engine: any Engine, files: ReplayFiles) {
    self.options = options
    self.reader = reader
    self.engine = engine
    self.files = files
  }

  /// Goes on in a trace that has grown: `reader` was opened since.
  package func follow(_ reader: TraceReader) throws {
    self.reader = reader
    reader.keepFiles()
    files.follow(reader)
    try takeReader()
  }

  // MARK: - The loop

  func run() throws {
    while case .event(let event, _) = try advance() {
      if hasEnded || event.number == options.stopAfterEvent { return }
    }
  }

  /// Replays the next event, with the code before it, or as far as `control` allows.
  package func advance(_ control: CodeControl? = nil) throws -> ReplayProgress {
    guard !hasEnded, let event = try reader.peekEvent() else { return .ended }
    self.control = control
    defer { self.control = nil }
    do {
      try replay(event)
    } catch let paused as PausedReplay {
      try checkMemory(event)
      return .paused(paused.pause)
    }
    try checkMemory(event)
    _ = try reader.nextEvent()
    eventCount = event.number
    history.append(event)
    report(event)
    tracees[event.tid]?.isFresh = true
    tracees[event.tid]?.hasPausedAtSignal = false
    tracees[event.tid]?.hasMetSignal = false
    let touched = takeChangedWatches()
    // Memory that came or went with its process wasn't written to.
    return .event(event, touched: event.replacesMemory ? [] : touched)
  }

  /// What was to be brought back from a checkpoint, by the tracer's own reading and writing, is there.
  private func checkMemory(_ event: TraceEvent) throws {
    if let failure = tracees[event.tid]?.tracee.addressSpace.absent?.failure { throw AbsentMemoryError(text: failure) }
  }

  private func report(_ event: TraceEvent) {
    if let onProgress = options.onProgress, event.number % 512 == 0 {
      onProgress(event.number, Double(event.number) / Double(max(reader.lastEventNumber, 1)))
    }
    if options.statisticsInterval > 0, event.number % options.statisticsInterval == 0 {
      Output.writeError("rrs: event \(event.number), \(stopCount) stops, \(tracees.count) tracees\n")
    }
  }

  private func replay(_ event: TraceEvent) throws {
    switch event.kind {
    case .note(let text):
      notes.append(text)
    case .end:
      hasEnded = true
      rootStatus = try recordedRootStatus()
    case .checkpointSaved, .checkpointLoaded:
      break
    case .imageStart:
      try startImage(event)
    case .exit(let rawStatus):
      try replayExit(event, rawStatus: rawStatus)
    case .syscall(let call):
      let tracee = try expectTracee(event)
      try replaySyscall(tracee, event, call)
    case .signal(let signal):
      let tracee = try expectTracee(event)
      try replaySignal(tracee, event, signal)
    case .instruction(let instruction):
      let tracee = try expectTracee(event)
      try replayInstruction(tracee, event, instruction)
    case .preemption:
      let tracee = try expectTracee(event)
      try runToPoint(tracee, event)
      if let recorded = event.registers {
        try stepBehindTick(tracee, to: recorded)
        try compare(tracee, event, recorded, ignoring: ["orig_rax"])
      }
      try checkTicks(tracee, event)
    }
    tracees[event.tid]?.isInterrupted = event.isInterruption
    try verifyChecksum(event)
  }

  /// How the first process ended. A leader's end is recorded when its last thread is gone, with whichever event is
  /// next.
  private func recordedRootStatus() throws -> WaitStatus? {
    let cursor = reader.traceeCursor()
    while let record = try cursor.next() {
      if case .exit(let status) = record.kind, record.tid == rootTid { return WaitStatus(raw: status) }
    }
    return nil
  }

  private func expectTracee(_ event: TraceEvent) throws -> ReplayTracee {
    guard let tracee = tracees[event.tid] else {
      throw ReplayError.unusableTrace("event \(event.number) belongs to tracee \(event.tid), which isn't there")
    }
    return tracee
  }

  // MARK: - Events

  private func replaySyscall(_ tracee: ReplayTracee, _ event: TraceEvent, _ call: SyscallEvent) throws {
    guard let recorded = event.registers else {
      throw ReplayError.unusableTrace("event \(event.number) has no registers")
    }
    eventProgramCounter = try tracee.tracee.registers().rip
    if tracee.isNewborn {
      tracee.isNewborn = false
      setRegisters(tracee, recorded)
      return try applyWrites(event)
    }
    if !tracee.isInSyscall {
      let stop = try runToStop(tracee, for: event)
      guard stop == .syscallEntry else { throw try divergence(event, tracee, stop) }
      try checkEntry(tracee, event, call, recorded)
      try checkTicks(tracee, event)
      // `syscall` has two bytes.
      eventProgramCounter = try tracee.tracee.registers().rip &- 2
    }
    switch call.phase {
    case .entry:
      tracee.isInSyscall = true
      try makeChild(event, call, parent: tracee)
    case .exit:
      tracee.isInSyscall = false
      show(tracee, event, call, recorded)
      try performSpecial(tracee, event, call, recorded)
      setRegisters(tracee, recorded)
    case .interrupted:
      tracee.isInSyscall = false
      setRegisters(tracee, restarted(recorded))
    }
    try applyWrites(event)
    if !event.extendedState.isEmpty { try Ptrace.setExtendedState(tracee.tracee.tid, event.extendedState) }
  }

  /// The registers with which the kernel makes an interrupted call again (arch/x86/kernel/signal.c): before the
  /// instruction, with the same number or that of restart_syscall(2).
  private func restarted(_ recorded: Registers) -> Registers {
    let restartBlock: Int64 = -516
    var registers = recorded
    registers.rip &-= 2
    registers.rax =
      recorded.syscallResult == restartBlock ? UInt64(SyscallNumber.restart_syscall) : recorded.origRax
    return registers
  }

  private func replaySignal(_ tracee: ReplayTracee, _ event: TraceEvent, _ signal: SignalEvent) throws {
    if signal.isDeterministic, !tracee.hasMetSignal {
      let stop = try runToStop(tracee, for: event)
      let expected = SignalInfo(bytes: signal.siginfo)
      guard case .signal(let info, _) = stop, info.signal == signal.signal, info.code == expected.code,
        info.address == expected.address
      else { throw try divergence(event, tracee, stop) }
      try checkTicks(tracee, event)
      if signal.disposition != .handler, let recorded = event.registers {
        try compare(tracee, event, recorded, ignoring: ["orig_rax"])
      }
      tracee.hasMetSignal = true
    } else if !signal.isDeterministic {
      try runToPoint(tracee, event)
    }
    eventProgramCounter = try tracee.tracee.registers().rip
    if control?.stopsAtSignals ?? false, !tracee.hasPausedAtSignal {
      tracee.hasPausedAtSignal = true
      throw PausedReplay(pause: .signal(signal.signal))
    }
    guard signal.disposition == .handler, let recorded = event.registers else { return }
    try checkInterrupted(tracee, event, recorded)
    setRegisters(tracee, recorded)
    try applyWrites(event)
    if !event.extendedState.isEmpty { try Ptrace.setExtendedState(tracee.tracee.tid, event.extendedState) }
  }

  private func replayInstruction(
    _ tracee: ReplayTracee, _ event: TraceEvent, _ instruction: NondeterministicInstruction
  ) throws {
    let stop = try runToStop(tracee, for: event)
    guard case .instruction(let found) = stop, let recorded = event.registers else {
      throw try divergence(event, tracee, stop)
    }
    try checkTicks(tracee, event)
    eventProgramCounter = try tracee.tracee.registers().rip
    var expected = recorded
    expected.rip &-= found.byteCount
    let results: Set = ["rax", "rdx", "rcx", "orig_rax"]
    let hasOneResult = found.kind != .rdtsc && found.kind != .rdtscp
    // rdrand and its like write any one register, and the flags.
    try compare(tracee, event, expected, ignoring: hasOneResult ? ["eflags"] : results, allowing: hasOneResult ? 1 : 0)
    setRegisters(tracee, recorded)
  }

  /// Sets what the tracee goes on with. Number -1: the kernel is to make no call, nor to restart one.
  func setRegisters(_ tracee: ReplayTracee, _ registers: Registers) {
    var registers = registers
    registers.origRax = UInt64.max
    tracee.tracee.setRegisters(registers)
  }

  /// Puts the recorded bytes where the kernel wrote them.
  func applyWrites(_ event: TraceEvent) throws {
    for write in event.memoryWrites {
      guard let target = tracees[write.tid] else { continue }
      let isWhole = try copyData(write.data) { bytes, offset in
        target.tracee.write(write.address + offset, bytes)
      }
      engine.didWriteMemory(target.tracee, RemoteRange(write.address, byteCount: write.data.byteCount))
      if !isWhole {
        throw Divergence(
          event: event.number,
          report: "event \(event.number): cannot write \(write.data.byteCount) recorded bytes at \(write.address) of "
            + "tracee \(write.tid): not mapped in this replay")
      }
    }
    for write in event.fileWrites { try files.apply(write) }
    if !event.fileWrites.isEmpty { engine.didWriteMappedFiles() }
  }

  /// Hands the bytes of a data range to `body`, a piece at a time, until it returns false.
  func copyData(_ range: DataRange, _ body: (UnsafeRawBufferPointer, UInt64) throws -> Bool) throws -> Bool {
    try files.copyData(range, body)
  }

  // MARK: - Output

  /// What the program wrote to stdout and stderr of the recording, again.
  private func show(_ tracee: ReplayTracee, _ event: TraceEvent, _ call: SyscallEvent, _ registers: Registers) {
    guard call.shownOn != 0, options.showOutput, isVisible, !registers.syscallFailed else { return }
    let output = options.outputDescriptor ?? Int32(call.shownOn)
    var rest = Int(registers.syscallResult)
    if options.markStdio, rest > 0 {
      Output.write(output, Array("[rrs \(event.tid) \(event.number)]".utf8))
    }
    func emit(_ address: RemotePointer, _ count: Int) {
      guard let bytes = tracee.tracee.readBytes(address, count: min(count, rest)) else { return }
      Output.write(output, bytes)
      rest -= bytes.count
    }
    if call.number == SyscallNumber.write {
      emit(RemotePointer(registers.argument(1)), rest)
      return
    }
    for index in 0..<Int(min(registers.argument(2), 1024)) where rest > 0 {
      let vector = RemotePointer(registers.argument(1)) + index * 16
      guard let base = tracee.tracee.read(vector, as: UInt64.self),
        let length = tracee.tracee.read(vector + 8, as: UInt64.self)
      else { return }
      emit(RemotePointer(base), Int(clamping: length))
    }
  }
}

extension TraceEvent {
  /// A process image comes or goes.
  fileprivate var replacesMemory: Bool {
    switch kind {
    case .imageStart, .exit: true
    default: false
    }
  }

  /// A call that a signal interrupted.
  fileprivate var isInterruption: Bool {
    if case .syscall(let call) = kind { call.phase == .interrupted } else { false }
  }
}
