import CTraceFormat
import KernelABI

/// Memory for what the C structures of one record point to; empty again for the next record.
private final class EncodingArena {
  private let chunk = ByteBuffer(capacity: 64 << 10)
  private var used = 0
  private var overflow: [UnsafeMutableRawPointer] = []

  deinit { reset() }

  func reset() {
    used = 0
    for memory in overflow { memory.deallocate() }
    overflow.removeAll()
  }

  private func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let start = (used + 15) & ~15
    if byteCount <= chunk.capacity - start {
      used = start + byteCount
      return chunk.start + start
    }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    overflow.append(memory)
    return memory
  }

  func bytes(_ value: [UInt8]) -> rrs_bytes {
    if value.isEmpty { return rrs_bytes() }
    let target = allocate(value.count)
    value.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    return rrs_bytes(start: target.assumingMemoryBound(to: UInt8.self), count: value.count)
  }

  func text(_ value: String) -> rrs_bytes {
    var value = value
    return value.withUTF8 { utf8 in
      if utf8.isEmpty { return rrs_bytes() }
      let target = allocate(utf8.count)
      target.copyMemory(from: utf8.baseAddress!, byteCount: utf8.count)
      return rrs_bytes(start: target.assumingMemoryBound(to: UInt8.self), count: utf8.count)
    }
  }

  func registers(_ value: Registers) -> rrs_bytes {
    let target = allocate(Registers.byteCount)
    target.storeBytes(of: value, as: Registers.self)
    return rrs_bytes(start: target.assumingMemoryBound(to: UInt8.self), count: Registers.byteCount)
  }

  func items<Source, Item>(_ source: [Source], _ convert: (Source) -> Item) -> UnsafeMutablePointer<Item>? {
    if source.isEmpty { return nil }
    let target = allocate(source.count * MemoryLayout<Item>.stride).bindMemory(to: Item.self, capacity: source.count)
    for (index, item) in source.enumerated() { (target + index).initialize(to: convert(item)) }
    return target
  }

  func texts(_ source: [String]) -> rrs_bytes_list {
    rrs_bytes_list(items: items(source, text), count: source.count)
  }
}

/// Makes messages of records. One thread at a time; what it returns is valid until its next call, and is empty where
/// there is no memory for it.
package final class RecordEncoder {
  private let arena = EncodingArena()
  private let encoder: OpaquePointer

  package init() {
    guard let encoder = rrs_encoder_create() else { preconditionFailure("out of memory") }
    self.encoder = encoder
  }

  deinit { rrs_encoder_destroy(encoder) }

  package func encode(_ event: TraceEvent) -> UnsafeRawBufferPointer {
    arena.reset()
    var target = rrs_event()
    target.number = event.number
    target.tid = event.tid.rawValue
    target.ticks = event.ticks
    target.monotonic_nanoseconds = event.monotonicNanoseconds
    if let registers = event.registers { target.registers = arena.registers(registers) }
    target.extended_state = arena.bytes(event.extendedState)
    target.memory_writes = UnsafePointer(arena.items(event.memoryWrites) { write in
      rrs_memory_write(
        address: write.address.rawValue, data_offset: write.data.offset, data_byte_count: write.data.byteCount,
        tid: write.tid.rawValue)
    })
    target.memory_write_count = event.memoryWrites.count
    target.file_writes = UnsafePointer(arena.items(event.fileWrites) { write in
      rrs_file_write(
        device: write.device, inode: write.inode, offset: write.offset, data_offset: write.data.offset,
        data_byte_count: write.data.byteCount, new_size: write.newSize)
    })
    target.file_write_count = event.fileWrites.count
    target.has_memory_checksum = event.memoryChecksum != nil
    target.memory_checksum = event.memoryChecksum ?? 0
    fill(&target, event.kind)
    return rrs_encode_event(encoder, &target).buffer
  }

  private func fill(_ target: inout rrs_event, _ kind: TraceEvent.Kind) {
    switch kind {
    case .syscall(let call):
      target.kind = UInt8(RRS_EVENT_SYSCALL.rawValue)
      fill(&target, call)
    case .signal(let signal):
      target.kind = UInt8(RRS_EVENT_SIGNAL.rawValue)
      target.signal = signal.signal.rawValue
      target.payload = arena.bytes(signal.siginfo)
      target.is_deterministic = signal.isDeterministic
      target.disposition = signal.disposition.rawValue
    case .instruction(let instruction):
      target.kind = UInt8(RRS_EVENT_INSTRUCTION.rawValue)
      target.instruction = instruction.rawValue
    case .preemption: target.kind = UInt8(RRS_EVENT_PREEMPTION.rawValue)
    case .exit(let rawStatus):
      target.kind = UInt8(RRS_EVENT_EXIT.rawValue)
      target.exit_status = rawStatus
    case .imageStart: target.kind = UInt8(RRS_EVENT_IMAGE_START.rawValue)
    case .checkpointSaved(let id, let stateHash):
      target.kind = UInt8(RRS_EVENT_CHECKPOINT_SAVED.rawValue)
      target.checkpoint_id = id
      target.payload = arena.bytes(stateHash)
    case .checkpointLoaded(let id, let stateHash):
      target.kind = UInt8(RRS_EVENT_CHECKPOINT_LOADED.rawValue)
      target.checkpoint_id = id
      target.payload = arena.bytes(stateHash)
    case .note(let text):
      target.kind = UInt8(RRS_EVENT_NOTE.rawValue)
      target.payload = arena.text(text)
    case .end: target.kind = UInt8(RRS_EVENT_END.rawValue)
    }
  }

  private func fill(_ target: inout rrs_event, _ call: SyscallEvent) {
    target.syscall_number = Int64(call.number)
    target.phase = call.phase.rawValue
    target.opened_files = UnsafePointer(arena.items(call.openedFiles) { file in
      rrs_opened_file(
        path: arena.text(file.path), device: file.device, inode: file.inode, descriptor: file.descriptor)
    })
    target.opened_file_count = call.openedFiles.count
    target.has_write_offset = call.writeOffset != nil
    target.write_offset = call.writeOffset ?? 0
    target.local_address = arena.bytes(call.localAddress)
    target.remote_address = arena.bytes(call.remoteAddress)
    target.shown_on = call.shownOn
    target.has_new_tid = call.newTid != nil
    target.new_tid = call.newTid?.rawValue ?? 0
  }

  package func encode(_ mapping: MappingRecord) -> UnsafeRawBufferPointer {
    arena.reset()
    var target = rrs_mapping()
    target.event = mapping.event
    target.tid = mapping.tid.rawValue
    target.start = mapping.range.start.rawValue
    target.end = mapping.range.end.rawValue
    target.protection = mapping.protection
    target.flags = mapping.flags
    target.name = arena.text(mapping.name)
    target.file_offset = mapping.fileOffset
    target.device = mapping.device
    target.inode = mapping.inode
    target.file_size = mapping.fileSize
    target.file_modified = mapping.fileModified
    target.file_mode = mapping.fileMode
    target.file_user_id = mapping.fileUserID
    target.file_group_id = mapping.fileGroupID
    switch mapping.source {
    case .zero: target.source = UInt8(RRS_MAPPING_ZERO.rawValue)
    case .data(let range):
      target.source = UInt8(RRS_MAPPING_DATA.rawValue)
      target.data_offset = range.offset
      target.data_byte_count = range.byteCount
    case .traceFile(let name):
      target.source = UInt8(RRS_MAPPING_TRACE_FILE.rawValue)
      target.file = arena.text(name)
    case .outsideFile(let path):
      target.source = UInt8(RRS_MAPPING_OUTSIDE_FILE.rawValue)
      target.file = arena.text(path)
    }
    if let hash = mapping.contentHash { target.content_hash = arena.bytes(hash.bytes) }
    return rrs_encode_mapping(encoder, &target).buffer
  }

  package func encode(_ tracee: TraceeRecord) -> UnsafeRawBufferPointer {
    arena.reset()
    var target = rrs_tracee()
    target.event = tracee.event
    target.tid = tracee.tid.rawValue
    switch tracee.kind {
    case .clone(let parent, let flags, let ownNamespaceTid, let threadGroup):
      target.kind = UInt8(RRS_TRACEE_CLONE.rawValue)
      target.parent = parent.rawValue
      target.clone_flags = flags
      target.own_namespace_tid = ownNamespaceTid.rawValue
      target.thread_group = threadGroup.rawValue
    case .exec(
      let fileName, let commandLine, let environment, let executableBase, let interpreterBase, let interpreterName,
      let previousTid):
      target.kind = UInt8(RRS_TRACEE_EXEC.rawValue)
      target.file_name = arena.text(fileName)
      target.command_line = arena.texts(commandLine)
      target.environment = arena.texts(environment)
      target.executable_base = executableBase.rawValue
      target.interpreter_base = interpreterBase.rawValue
      target.interpreter_name = arena.text(interpreterName)
      target.previous_tid = previousTid.rawValue
    case .exit(let rawStatus):
      target.kind = UInt8(RRS_TRACEE_EXIT.rawValue)
      target.exit_status = rawStatus
    case .detach: target.kind = UInt8(RRS_TRACEE_DETACH.rawValue)
    }
    return rrs_encode_tracee(encoder, &target).buffer
  }

  package func encode(_ header: TraceHeader) -> UnsafeRawBufferPointer {
    arena.reset()
    var target = rrs_header()
    target.uuid = arena.bytes(header.uuid)
    target.tick_definition = header.tickDefinition.rawValue
    target.engine = arena.text(header.engine)
    target.rrs_version = arena.text(header.rrsVersion)
    target.kernel = arena.texts(header.kernel)
    target.cpuid = UnsafePointer(arena.items(header.cpuid) { record in
      rrs_cpuid_record(
        leaf: record.leaf, subleaf: record.subleaf, eax: record.eax, ebx: record.ebx, ecx: record.ecx, edx: record.edx)
    })
    target.cpuid_count = header.cpuid.count
    target.has_cpuid_faulting = header.hasCPUIDFaulting
    target.xcr0 = header.xcr0
    target.extended_state_byte_count = header.extendedStateByteCount
    target.bound_to_cpu = header.boundToCPU
    target.syscall_buffering = header.syscallBuffering
    target.chaos_mode = header.chaosMode
    target.scheduling_seed = header.schedulingSeed
    target.checksum_interval = header.checksumInterval
    target.program = arena.text(header.program)
    target.command_line = arena.texts(header.commandLine)
    target.environment = arena.texts(header.environment)
    target.working_directory = arena.text(header.workingDirectory)
    target.start_realtime_nanoseconds = header.startRealtimeNanoseconds
    target.start_monotonic_nanoseconds = header.startMonotonicNanoseconds
    return rrs_encode_header(encoder, &target).buffer
  }
}
