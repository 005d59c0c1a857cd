import CTraceFormat
import KernelABI

/// Why bytes are no record of the kind that was expected.
package struct RecordFlaw: Error {
  package var reason: String
}

/// Takes records from messages, trusting none of their values.
package final class RecordDecoder {
  private let decoder: OpaquePointer

  package init() {
    guard let decoder = rrs_decoder_create() else { preconditionFailure("out of memory") }
    self.decoder = decoder
  }

  deinit { rrs_decoder_destroy(decoder) }

  private func check(_ byteCount: Int) throws(RecordFlaw) -> Int {
    if byteCount > 0 { return byteCount }
    throw RecordFlaw(reason: "it can't be decoded: \(String(cString: rrs_decoder_error(decoder)))")
  }

  /// The event at the start of `bytes`, and the byte count of its message.
  package func event(in bytes: UnsafeRawBufferPointer) throws(RecordFlaw) -> (TraceEvent, Int) {
    var source = rrs_event()
    let byteCount = try check(rrs_decode_event(decoder, rrs_bytes(bytes), &source))
    var event = TraceEvent(
      tid: Tid(source.tid), ticks: source.ticks, monotonicNanoseconds: source.monotonic_nanoseconds,
      kind: try kind(source), registers: nil)
    event.number = source.number
    switch source.registers.count {
    case 0: break
    case Registers.byteCount: event.registers = source.registers.buffer.loadUnaligned(as: Registers.self)
    default: throw RecordFlaw(reason: "its registers have the wrong size")
    }
    event.extendedState = array(source.extended_state)
    event.memoryWrites = UnsafeBufferPointer(start: source.memory_writes, count: source.memory_write_count).map {
      MemoryWrite(
        tid: Tid($0.tid), address: RemotePointer($0.address),
        data: DataRange(offset: $0.data_offset, byteCount: $0.data_byte_count))
    }
    event.fileWrites = UnsafeBufferPointer(start: source.file_writes, count: source.file_write_count).map {
      FileWrite(
        device: $0.device, inode: $0.inode, offset: $0.offset,
        data: DataRange(offset: $0.data_offset, byteCount: $0.data_byte_count), newSize: $0.new_size)
    }
    if source.has_memory_checksum { event.memoryChecksum = source.memory_checksum }
    return (event, byteCount)
  }

  /// What the verifier needs of an event, without the memory that the whole takes.
  struct EventOutline {
    var number: UInt64
    var byteCount: Int
    var isEnd: Bool
  }

  /// The event at the start of `bytes`, whose ranges of data are handed to `visit`.
  func eventOutline(
    in bytes: UnsafeRawBufferPointer, visit: (DataRange) throws(RecordFlaw) -> Void
  ) throws(RecordFlaw) -> EventOutline {
    var source = rrs_event()
    let byteCount = try check(rrs_decode_event(decoder, rrs_bytes(bytes), &source))
    try checkValues(source)
    for write in UnsafeBufferPointer(start: source.memory_writes, count: source.memory_write_count) {
      try visit(DataRange(offset: write.data_offset, byteCount: write.data_byte_count))
    }
    for write in UnsafeBufferPointer(start: source.file_writes, count: source.file_write_count) {
      try visit(DataRange(offset: write.data_offset, byteCount: write.data_byte_count))
    }
    let isEnd = UInt32(source.kind) == RRS_EVENT_END.rawValue
    return EventOutline(number: source.number, byteCount: byteCount, isEnd: isEnd)
  }

  /// That the event's numbers are ones that exist.
  private func checkValues(_ source: rrs_event) throws(RecordFlaw) {
    guard source.registers.count == 0 || source.registers.count == Registers.byteCount else {
      throw RecordFlaw(reason: "its registers have the wrong size")
    }
    switch UInt32(source.kind) {
    case RRS_EVENT_SYSCALL.rawValue:
      guard SyscallEvent.Phase(rawValue: source.phase) != nil else {
        throw RecordFlaw(reason: "it holds a system call in an unknown phase")
      }
    case RRS_EVENT_SIGNAL.rawValue:
      guard (1...64).contains(source.signal), SignalEvent.Disposition(rawValue: source.disposition) != nil else {
        throw RecordFlaw(reason: "it holds an impossible signal")
      }
    case RRS_EVENT_INSTRUCTION.rawValue:
      guard NondeterministicInstruction(rawValue: source.instruction) != nil else {
        throw RecordFlaw(reason: "it holds an unknown instruction")
      }
    default: break
    }
  }

  private func kind(_ source: rrs_event) throws(RecordFlaw) -> TraceEvent.Kind {
    switch UInt32(source.kind) {
    case RRS_EVENT_SYSCALL.rawValue: return .syscall(try syscall(source))
    case RRS_EVENT_SIGNAL.rawValue:
      guard (1...64).contains(source.signal), let disposition = SignalEvent.Disposition(rawValue: source.disposition)
      else { throw RecordFlaw(reason: "it holds an impossible signal") }
      return .signal(
        SignalEvent(
          signal: Signal(rawValue: source.signal), siginfo: array(source.payload),
          isDeterministic: source.is_deterministic, disposition: disposition))
    case RRS_EVENT_INSTRUCTION.rawValue:
      guard let instruction = NondeterministicInstruction(rawValue: source.instruction) else {
        throw RecordFlaw(reason: "it holds an unknown instruction")
      }
      return .instruction(instruction)
    case RRS_EVENT_PREEMPTION.rawValue: return .preemption
    case RRS_EVENT_EXIT.rawValue: return .exit(rawStatus: source.exit_status)
    case RRS_EVENT_IMAGE_START.rawValue: return .imageStart
    case RRS_EVENT_CHECKPOINT_SAVED.rawValue:
      return .checkpointSaved(id: source.checkpoint_id, stateHash: array(source.payload))
    case RRS_EVENT_CHECKPOINT_LOADED.rawValue:
      return .checkpointLoaded(id: source.checkpoint_id, stateHash: array(source.payload))
    case RRS_EVENT_NOTE.rawValue: return .note(string(source.payload))
    case RRS_EVENT_END.rawValue: return .end
    default: throw RecordFlaw(reason: "it is of an unknown kind")
    }
  }

  private func syscall(_ source: rrs_event) throws(RecordFlaw) -> SyscallEvent {
    guard let phase = SyscallEvent.Phase(rawValue: source.phase) else {
      throw RecordFlaw(reason: "it holds a system call in an unknown phase")
    }
    var call = SyscallEvent(number: Int(source.syscall_number), phase: phase)
    call.openedFiles = UnsafeBufferPointer(start: source.opened_files, count: source.opened_file_count).map {
      OpenedFile(descriptor: $0.descriptor, path: string($0.path), device: $0.device, inode: $0.inode)
    }
    if source.has_write_offset { call.writeOffset = source.write_offset }
    call.localAddress = array(source.local_address)
    call.remoteAddress = array(source.remote_address)
    call.shownOn = source.shown_on
    if source.has_new_tid { call.newTid = Tid(source.new_tid) }
    return call
  }

  package func mapping(in bytes: UnsafeRawBufferPointer) throws(RecordFlaw) -> (MappingRecord, Int) {
    var source = rrs_mapping()
    let byteCount = try check(rrs_decode_mapping(decoder, rrs_bytes(bytes), &source))
    var mapping = MappingRecord(
      event: source.event, tid: Tid(source.tid),
      range: RemoteRange(RemotePointer(source.start), RemotePointer(source.end)), protection: source.protection,
      flags: source.flags, name: string(source.name), source: .zero)
    mapping.fileOffset = source.file_offset
    mapping.device = source.device
    mapping.inode = source.inode
    mapping.fileSize = source.file_size
    mapping.fileModified = source.file_modified
    mapping.fileMode = source.file_mode
    mapping.fileUserID = source.file_user_id
    mapping.fileGroupID = source.file_group_id
    switch source.content_hash.count {
    case 0: break
    case Digest.byteCount: mapping.contentHash = Digest(loadingFrom: source.content_hash.start)
    default: throw RecordFlaw(reason: "its content hash has the wrong size")
    }
    switch UInt32(source.source) {
    case RRS_MAPPING_DATA.rawValue:
      mapping.source = .data(DataRange(offset: source.data_offset, byteCount: source.data_byte_count))
    case RRS_MAPPING_TRACE_FILE.rawValue:
      let name = string(source.file)
      guard isStoredFileName(name) else { throw RecordFlaw(reason: "it names an impossible file of 'files'") }
      mapping.source = .traceFile(name)
    case RRS_MAPPING_OUTSIDE_FILE.rawValue: mapping.source = .outsideFile(string(source.file))
    default: break
    }
    return (mapping, byteCount)
  }

  package func tracee(in bytes: UnsafeRawBufferPointer) throws(RecordFlaw) -> (TraceeRecord, Int) {
    var source = rrs_tracee()
    let byteCount = try check(rrs_decode_tracee(decoder, rrs_bytes(bytes), &source))
    let kind: TraceeRecord.Kind =
      switch UInt32(source.kind) {
      case RRS_TRACEE_CLONE.rawValue:
        .clone(
          parent: Tid(source.parent), flags: source.clone_flags, ownNamespaceTid: Tid(source.own_namespace_tid),
          threadGroup: Tid(source.thread_group))
      case RRS_TRACEE_EXEC.rawValue:
        .exec(
          fileName: string(source.file_name), commandLine: strings(source.command_line),
          environment: strings(source.environment), executableBase: RemotePointer(source.executable_base),
          interpreterBase: RemotePointer(source.interpreter_base), interpreterName: string(source.interpreter_name),
          previousTid: Tid(source.previous_tid))
      case RRS_TRACEE_EXIT.rawValue: .exit(rawStatus: source.exit_status)
      default: .detach
      }
    return (TraceeRecord(event: source.event, tid: Tid(source.tid), kind: kind), byteCount)
  }

  package func header(in bytes: UnsafeRawBufferPointer) throws(RecordFlaw) -> TraceHeader {
    var source = rrs_header()
    _ = try check(rrs_decode_header(decoder, rrs_bytes(bytes), &source))
    guard let tickDefinition = TraceHeader.TickDefinition(rawValue: source.tick_definition) else {
      throw RecordFlaw(reason: "it names an unknown tick definition")
    }
    var header = TraceHeader()
    header.uuid = array(source.uuid)
    header.tickDefinition = tickDefinition
    header.engine = string(source.engine)
    header.rrsVersion = string(source.rrs_version)
    header.kernel = strings(source.kernel)
    header.cpuid = UnsafeBufferPointer(start: source.cpuid, count: source.cpuid_count).map {
      TraceHeader.CPUIDRecord(
        leaf: $0.leaf, subleaf: $0.subleaf, eax: $0.eax, ebx: $0.ebx, ecx: $0.ecx, edx: $0.edx)
    }
    header.hasCPUIDFaulting = source.has_cpuid_faulting
    header.xcr0 = source.xcr0
    header.extendedStateByteCount = source.extended_state_byte_count
    header.boundToCPU = source.bound_to_cpu
    header.syscallBuffering = source.syscall_buffering
    header.chaosMode = source.chaos_mode
    header.schedulingSeed = source.scheduling_seed
    header.checksumInterval = source.checksum_interval
    header.program = string(source.program)
    header.commandLine = strings(source.command_line)
    header.environment = strings(source.environment)
    header.workingDirectory = string(source.working_directory)
    header.startRealtimeNanoseconds = source.start_realtime_nanoseconds
    header.startMonotonicNanoseconds = source.start_monotonic_nanoseconds
    return header
  }
}

private func array(_ bytes: rrs_bytes) -> [UInt8] { Array(bytes.buffer) }

private func string(_ bytes: rrs_bytes) -> String { String(decoding: bytes.buffer, as: UTF8.self) }

private func strings(_ list: rrs_bytes_list) -> [String] {
  UnsafeBufferPointer(start: list.items, count: list.count).map(string)
}

/// Whether a name can be one that the writer gave a file in `files/`: it leads nowhere else.
func isStoredFileName(_ name: String) -> Bool {
  !name.isEmpty && name.utf8.count <= 255 && name != "." && name != ".."
    && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
}
