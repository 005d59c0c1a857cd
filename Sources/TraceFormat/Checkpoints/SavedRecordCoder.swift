import CTraceFormat
import KernelABI

/// Makes the messages of checkpoints, and takes them apart, trusting none of their values.
final class SavedRecordCoder {
  private let encoder: OpaquePointer
  private let decoder: OpaquePointer

  init() {
    guard let encoder = rrs_encoder_create(), let decoder = rrs_decoder_create() else {
      preconditionFailure("out of memory")
    }
    (self.encoder, self.decoder) = (encoder, decoder)
  }

  deinit {
    rrs_encoder_destroy(encoder)
    rrs_decoder_destroy(decoder)
  }

  // MARK: - Encoding

  private func message(_ record: rrs_saved_record) -> [UInt8] {
    var record = record
    return Array(rrs_encode_saved_record(encoder, &record).buffer)
  }

  private func record(_ kind: rrs_saved_kind) -> rrs_saved_record {
    var record = rrs_saved_record()
    record.kind = UInt8(kind.rawValue)
    return record
  }

  func encode(_ place: SavedPlace, traceUUID: [UInt8]) -> [UInt8] {
    var target = record(RRS_SAVED_PLACE)
    target.id = place.id
    target.event = place.event
    target.ticks = place.ticks
    target.program_counter = place.programCounter
    target.is_at_event = place.isAtEvent
    target.is_at_stage_start = place.isAtStageStart
    target.work = place.work
    target.root_tid = place.rootTid.rawValue
    target.number = place.number
    target.process = place.thread.process
    target.thread = place.thread.thread
    return traceUUID.withUnsafeBytes { uuid in
      target.trace_uuid = rrs_bytes(uuid)
      return place.stateHash.withUnsafeBytes { hash in
        target.state_hash = rrs_bytes(hash)
        return withText(place.label) {
          target.name = $0
          return message(target)
        }
      }
    }
  }

  private func withText<R>(_ text: String, _ body: (rrs_bytes) -> R) -> R {
    var text = text
    return text.withUTF8 { body(rrs_bytes(UnsafeRawBufferPointer($0))) }
  }

  /// Every message behind the place's, in order. With digests: what pages hold instead of where they are.
  func forEachMessage(_ checkpoint: SavedCheckpoint, withDigests: Bool = false, _ body: ([UInt8]) -> Void) {
    for space in checkpoint.spaces {
      var target = record(RRS_SAVED_SPACE)
      target.program_break = space.programBreak.rawValue
      target.stack_limit = space.stackLimit
      body(message(target))
      for region in space.regions { body(encode(region, withDigests)) }
    }
    for file in checkpoint.files {
      var target = record(RRS_SAVED_FILE)
      target.device = file.device
      target.inode = file.inode
      target.byte_count = file.byteCount
      body(withPages(file.pages, withDigests, target))
    }
    for tracee in checkpoint.tracees { body(encode(tracee)) }
  }

  private func encode(_ region: SavedRegion, _ withDigests: Bool) -> [UInt8] {
    var target = record(RRS_SAVED_REGION)
    target.start = region.range.start.rawValue
    target.end = region.range.end.rawValue
    target.protection = region.protection
    target.grows_down = region.attributes.contains(.growsDown)
    target.no_reserve = region.attributes.contains(.noReserve)
    target.dont_fork = region.attributes.contains(.dontFork)
    target.wipe_on_fork = region.attributes.contains(.wipeOnFork)
    target.file_offset = region.fileOffset
    switch region.source {
    case .anonymous: target.source = UInt8(RRS_SAVED_ANONYMOUS.rawValue)
    case .record(let event, let start):
      target.source = UInt8(RRS_SAVED_RECORD.rawValue)
      target.record_event = event
      target.record_start = start
    case .shared(let device, let inode):
      target.source = UInt8(RRS_SAVED_SHARED.rawValue)
      target.device = device
      target.inode = inode
    }
    return withPages(region.pages, withDigests, target)
  }

  private func withPages(_ pages: SavedPages, _ withDigests: Bool, _ record: rrs_saved_record) -> [UInt8] {
    var record = record
    let runs = pages.runs.flatMap { [$0.first.littleEndian, $0.count.littleEndian] }
    let places =
      withDigests
      ? pages.digests.flatMap { [$0.words.0, $0.words.1, $0.words.2, $0.words.3] }
      : pages.places.map(\.rawValue.littleEndian)
    return runs.withUnsafeBytes { runs in
      record.page_runs = rrs_bytes(runs)
      return places.withUnsafeBytes { places in
        record.page_places = rrs_bytes(places)
        return message(record)
      }
    }
  }

  private func encode(_ tracee: SavedTracee) -> [UInt8] {
    var target = record(RRS_SAVED_TRACEE)
    target.thread = tracee.tid.rawValue
    target.process = tracee.threadGroup.rawValue
    target.space = UInt32(tracee.space)
    target.ticks = tracee.ticks
    target.is_in_syscall = tracee.condition.contains(.isInSyscall)
    target.is_newborn = tracee.condition.contains(.isNewborn)
    target.is_interrupted = tracee.condition.contains(.isInterrupted)
    target.is_fresh = tracee.condition.contains(.isFresh)
    target.has_paused_at_signal = tracee.condition.contains(.hasPausedAtSignal)
    target.has_met_signal = tracee.condition.contains(.hasMetSignal)
    target.has_name = tracee.name != nil
    return withUnsafeBytes(of: tracee.registers) { registers in
      target.registers = rrs_bytes(registers)
      return tracee.extendedState.withUnsafeBytes { extended in
        target.extended_state = rrs_bytes(extended)
        return withText(tracee.name ?? "") {
          target.name = $0
          return message(target)
        }
      }
    }
  }

  // MARK: - Decoding

  private func next(_ bytes: inout UnsafeRawBufferPointer) throws(RecordFlaw) -> rrs_saved_record {
    var record = rrs_saved_record()
    let count = rrs_decode_saved_record(decoder, rrs_bytes(bytes), &record)
    guard count > 0 else {
      throw RecordFlaw(reason: "it can't be decoded: \(String(cString: rrs_decoder_error(decoder)))")
    }
    bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
    return record
  }

  func place(in bytes: UnsafeRawBufferPointer) throws(RecordFlaw) -> (SavedPlace, uuid: [UInt8]) {
    var bytes = bytes
    let source = try next(&bytes)
    guard source.kind == UInt8(RRS_SAVED_PLACE.rawValue) else {
      throw RecordFlaw(reason: "it doesn't begin with a place")
    }
    var place = SavedPlace(
      event: source.event, ticks: source.ticks, programCounter: source.program_counter, rootTid: Tid(source.root_tid))
    place.id = source.id
    place.isAtEvent = source.is_at_event
    place.isAtStageStart = source.is_at_stage_start
    place.work = source.work
    place.stateHash = Array(source.state_hash.buffer)
    place.number = source.number
    place.label = text(source.name)
    place.thread = ThreadIdentity(process: source.process, thread: source.thread)
    return (place, Array(source.trace_uuid.buffer))
  }

  func decode(_ bytes: UnsafeRawBufferPointer, place: SavedPlace) throws(RecordFlaw) -> SavedCheckpoint {
    var bytes = bytes
    var checkpoint = SavedCheckpoint(place: place)
    while !bytes.isEmpty {
      let source = try next(&bytes)
      switch UInt32(source.kind) {
      case RRS_SAVED_SPACE.rawValue:
        checkpoint.spaces.append(
          SavedSpace(programBreak: RemotePointer(source.program_break), stackLimit: source.stack_limit))
      case RRS_SAVED_REGION.rawValue:
        guard !checkpoint.spaces.isEmpty else { throw RecordFlaw(reason: "a region belongs to no address space") }
        let region = try region(source)
        let space = checkpoint.spaces.count - 1
        if let last = checkpoint.spaces[space].regions.last, last.range.end > region.range.start {
          throw RecordFlaw(reason: "its regions overlap")
        }
        checkpoint.spaces[space].regions.append(region)
      case RRS_SAVED_FILE.rawValue:
        var file = SavedFile(device: source.device, inode: source.inode, byteCount: source.byte_count)
        file.pages = try pages(source, upTo: source.byte_count / pageSize + 1)
        checkpoint.files.append(file)
      case RRS_SAVED_TRACEE.rawValue:
        checkpoint.tracees.append(try tracee(source, spaceCount: checkpoint.spaces.count))
      default: throw RecordFlaw(reason: "it has a second place")
      }
    }
    return checkpoint
  }

  private func region(_ source: rrs_saved_record) throws(RecordFlaw) -> SavedRegion {
    let userEnd: UInt64 = 1 << 47
    guard source.start < source.end, source.end <= userEnd, (source.start | source.end) % pageSize == 0 else {
      throw RecordFlaw(reason: "a region has impossible addresses")
    }
    var region = SavedRegion(
      range: RemoteRange(RemotePointer(source.start), RemotePointer(source.end)), protection: source.protection)
    if source.grows_down { region.attributes.insert(.growsDown) }
    if source.no_reserve { region.attributes.insert(.noReserve) }
    if source.dont_fork { region.attributes.insert(.dontFork) }
    if source.wipe_on_fork { region.attributes.insert(.wipeOnFork) }
    region.fileOffset = source.file_offset
    switch UInt32(source.source) {
    case RRS_SAVED_RECORD.rawValue: region.source = .record(event: source.record_event, start: source.record_start)
    case RRS_SAVED_SHARED.rawValue: region.source = .shared(device: source.device, inode: source.inode)
    default: region.source = .anonymous
    }
    region.pages = try pages(source, upTo: source.end / pageSize)
    if let first = region.pages.runs.first, first.first < source.start / pageSize {
      throw RecordFlaw(reason: "a page lies outside of its region")
    }
    return region
  }

  private func pages(_ source: rrs_saved_record, upTo end: UInt64) throws(RecordFlaw) -> SavedPages {
    guard let runs = words(source.page_runs), let places = words(source.page_places),
      let pages = SavedPages(runs: runs, places: places), pages.runs.last.map({ $0.first + $0.count <= end }) ?? true
    else { throw RecordFlaw(reason: "its pages make no sense") }
    return pages
  }

  private func words(_ bytes: rrs_bytes) -> [UInt64]? {
    guard bytes.count.isMultiple(of: 8) else { return nil }
    let buffer = bytes.buffer
    return (0..<bytes.count / 8).map { buffer.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self).littleEndian }
  }

  private func tracee(_ source: rrs_saved_record, spaceCount: Int) throws(RecordFlaw) -> SavedTracee {
    guard source.registers.count == Registers.byteCount, Int(source.space) < spaceCount else {
      throw RecordFlaw(reason: "a tracee has no registers, or no memory")
    }
    var tracee = SavedTracee(
      tid: Tid(source.thread), threadGroup: Tid(source.process), space: Int(source.space),
      registers: source.registers.buffer.loadUnaligned(as: Registers.self))
    tracee.ticks = source.ticks
    tracee.extendedState = Array(source.extended_state.buffer)
    let conditions: [(Bool, SavedTracee.Condition)] = [
      (source.is_in_syscall, .isInSyscall), (source.is_newborn, .isNewborn), (source.is_interrupted, .isInterrupted),
      (source.is_fresh, .isFresh), (source.has_paused_at_signal, .hasPausedAtSignal),
      (source.has_met_signal, .hasMetSignal),
    ]
    for (isSet, condition) in conditions where isSet { tracee.condition.insert(condition) }
    if source.has_name { tracee.name = text(source.name) }
    return tracee
  }

  private func text(_ bytes: rrs_bytes) -> String { String(decoding: bytes.buffer, as: UTF8.self) }
}
