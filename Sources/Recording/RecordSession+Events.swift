import CLinuxShim
import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// Writing events.
extension RecordSession {
  /// An event of this tracee, now. If another tracee sleeps in a call whose entry isn't in the trace, that comes first.
  func makeEvent(
    _ tracee: RecordTracee, _ kind: TraceEvent.Kind, _ registers: Registers?
  ) throws -> TraceEvent {
    try recordPendingEntry(before: tracee)
    try recordPendingPreemption(before: tracee)
    if unrecordedPreemption === tracee { unrecordedPreemption = nil }
    return TraceEvent(
      tid: tracee.tracee.recordedTid, ticks: engine.ticks(of: tracee.tracee),
      monotonicNanoseconds: rrs_monotonic_nanoseconds(), kind: kind, registers: registers)
  }

  func append(_ event: TraceEvent, of tracee: RecordTracee?) throws {
    var event = event
    if options.checksumInterval > 0, let tracee, tracee.tracee.isAlive,
      writer.nextEventNumber % options.checksumInterval == 0, event.isChecksummed
    {
      event.memoryChecksum = MemoryChecksum.compute(
        tracee.tracee, stackPointers: stackPointers(in: tracee.addressSpace, event: event, of: tracee))
    }
    writer.append(event)
    eventCount += 1
    if eventCount % 64 == 0 { try checkTrace() }
  }

  /// Threads' stack pointers: memory below them is dead, and not part of the checksum.
  private func stackPointers(in space: AddressSpace, event: TraceEvent, of tracee: RecordTracee) -> [RemotePointer] {
    tracees.values.filter {
      $0.addressSpace === space && $0.state != .zombie && $0.state != .dying && !$0.isNewborn
    }.compactMap {
      if $0 === tracee, let registers = event.registers { return registers.stackPointer }
      if let call = $0.call { return call.entry.stackPointer }
      return (try? $0.tracee.registers())?.stackPointer
    }
  }

  func checkTrace() throws {
    do {
      try writer.checkWritable()
    } catch {
      throw RecordError.traceWriteFailed("\(error)")
    }
  }

  /// Writes the entry event of a call that another tracee sleeps in.
  func recordPendingEntry(before tracee: RecordTracee?) throws {
    guard let sleeper = unrecordedEntry, sleeper !== tracee, let call = sleeper.call else { return }
    unrecordedEntry = nil
    var event = TraceEvent(
      tid: sleeper.tracee.recordedTid, ticks: engine.ticks(of: sleeper.tracee),
      monotonicNanoseconds: rrs_monotonic_nanoseconds(),
      kind: .syscall(SyscallEvent(number: call.entry.syscallNumber, phase: .entry)), registers: call.entry)
    if isPriorityInheriting(call) { captureLockWord(&event, sleeper, call) }
    try append(event, of: nil)
  }

  /// Writes the event of a tracee that was stopped in the middle of code: what it did so far came before what others
  /// do from now on.
  func recordPendingPreemption(before tracee: RecordTracee?) throws {
    guard let preempted = unrecordedPreemption, preempted !== tracee else { return }
    unrecordedPreemption = nil
    let event = try makeEvent(preempted, .preemption, try preempted.tracee.registers())
    try append(event, of: preempted)
  }

  /// Appends a tracee's memory as the event's write, in pieces that keep memory use small.
  func appendMemory(
    _ event: inout TraceEvent, _ tracee: Tracee, _ address: RemotePointer, _ byteCount: Int
  ) {
    var position = address
    var rest = byteCount
    while rest > 0 {
      let chunk = min(rest, 1 << 20)
      let range = withUnsafeTemporaryAllocation(byteCount: chunk, alignment: 16) { buffer -> DataRange in
        let count = tracee.read(position, into: buffer)
        return writer.appendData(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
      if range.byteCount > 0 {
        event.memoryWrites.append(MemoryWrite(tid: tracee.recordedTid, address: position, data: range))
        engine.didWriteMemory(tracee, RemoteRange(position, byteCount: range.byteCount))
      }
      if range.byteCount < UInt64(chunk) { return }
      position = position + chunk
      rest -= chunk
    }
  }

  /// Tells the user, now and in the trace.
  func note(_ tracee: RecordTracee, _ text: String) throws {
    guard !notes.contains(text) else { return }
    notes.append(text)
    let event = try makeEvent(tracee, .note(text), nil)
    try append(event, of: nil)
    Output.writeError("rrs: warning: \(text)\n")
  }

  func appendEnd() throws {
    let event = TraceEvent(
      tid: rootID, ticks: 0, monotonicNanoseconds: rrs_monotonic_nanoseconds(), kind: .end, registers: nil)
    try append(event, of: nil)
    do {
      try writer.finish()
    } catch {
      throw RecordError.traceWriteFailed("\(error)")
    }
  }
}

extension TraceEvent {
  /// Whether memory is whole at this event in both runs: not in the middle of a call, nor after the tracee's end.
  package var isChecksummed: Bool {
    switch kind {
    case .syscall(let call): call.phase != .entry
    case .signal(let signal): signal.disposition == .handler
    case .instruction, .preemption, .imageStart: true
    case .exit, .checkpointSaved, .checkpointLoaded, .note, .end: false
    }
  }
}
