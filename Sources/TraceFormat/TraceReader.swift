import CTraceFormat
import Glibc
import KernelABI
import SystemPackage

/// Reads a trace as a stream: memory use doesn't grow with the trace. Everything read is checked; nothing is trusted.
///
/// An event is returned only if the data, mappings and tracee records that it refers to are in the trace. Damage that
/// is met on the way is thrown; the events before it can be read.
package final class TraceReader {
  /// The path of the trace's directory, or of its archive.
  package let directory: String
  package let storage: TraceStorage
  package let header: TraceHeader
  /// The number of the last readable event, from the index; 0 for a trace without events.
  package let lastEventNumber: UInt64
  /// The recorder was killed or could not write on: the trace has no end event, or lacks what it needs.
  package let isCutShort: Bool

  private var lock: TraceLock?
  private let streams: TraceStreams
  private let events: EventCursor
  private let dataBlocks: BlockCursor
  private let mappingRecords: RecordCursor<MappingRecord>
  private let traceeRecords: RecordCursor<TraceeRecord>

  package init(directory: String) throws(TraceError) {
    self.directory = directory
    storage = try TraceStorage(path: directory)
    let (header, digest) = try HeaderFile.read(storage)
    self.header = header
    let streams = try TraceStreams(storage, headerDigest: digest)
    self.streams = streams
    let last = streams.lastUsableEvents()
    lastEventNumber = last?.last ?? 0
    isCutShort = !(last?.isLast ?? false)
    events = EventCursor(streams)
    dataBlocks = BlockCursor(streams.data)
    mappingRecords = Self.mappingCursor(streams, lastEvent: lastEventNumber)
    traceeRecords = Self.traceeCursor(streams, lastEvent: lastEventNumber)
  }

  /// Keeps others from taking stored files away, as long as this reader is there. Without effect where something holds
  /// the trace already, as its recorder does.
  package func keepFiles() { lock = try? TraceLock(directory: directory, for: .reading) }

  /// The next event, nil at the end of the trace or, when it was cut short, of what is readable of it.
  package func nextEvent() throws(TraceError) -> TraceEvent? { try events.next() }

  /// The next event, without moving on.
  package func peekEvent() throws(TraceError) -> TraceEvent? { try events.peek() }

  /// `nextEvent()` will return this event. One past the last is allowed.
  package func seek(toEvent number: UInt64) throws(TraceError) {
    guard number > 0, number <= lastEventNumber + 1 else {
      throw .noSuchEvent(number: number, last: lastEventNumber)
    }
    try events.seek(toEvent: number)
  }

  /// Reads a range of the data stream. Preconditions: the buffer has the range's size.
  package func readData(_ range: DataRange, into buffer: UnsafeMutableRawBufferPointer) throws(TraceError) {
    precondition(UInt64(buffer.count) == range.byteCount, "the buffer must have the size of the range")
    try checkThere(range)
    var done = 0
    while done < buffer.count {
      let block = try dataBlock(at: range.offset + UInt64(done))
      let start = Int(range.offset + UInt64(done) - block.first)
      let part = dataBlocks.content[start...].prefix(buffer.count - done)
      UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
      done += part.count
    }
  }

  private func checkThere(_ range: DataRange) throws(TraceError) {
    if range.isInside(streams.data.recordCount) { return }
    throw .damaged(
      TraceDamage(
        file: streams.data.path, block: nil, fileOffset: streams.data.usableByteCount,
        reason: "the \(range.byteCount) bytes of data at \(range.offset) are not there"))
  }

  /// Loads the block that holds this byte of the data stream. Preconditions: there is one.
  private func dataBlock(at offset: UInt64) throws(TraceError) -> BlockHeader {
    if let block = dataBlocks.current, block.first <= offset, offset < block.last { return block }
    if let block = dataBlocks.current, offset >= block.last, offset - block.last < UInt64(blockByteCountMax) {
      // Near ahead: no need to go back to the index.
      while let header = try dataBlocks.peekHeader(), header.last <= offset { dataBlocks.skip(header) }
    } else {
      try dataBlocks.seek(to: offset) { $0.last <= offset }
    }
    guard try dataBlocks.loadNext(), let block = dataBlocks.current, block.first <= offset, offset < block.last else {
      throw dataBlocks.damageInCurrent("the index doesn't lead to the data at \(offset)")
    }
    return block
  }

  /// The bytes of a range, only its first ones where it is longer than `byteCountMax`.
  package func data(_ range: DataRange, byteCountMax: Int = .max) throws(TraceError) -> [UInt8] {
    // Before anything is allocated for it.
    try checkThere(range)
    let count = Int(min(range.byteCount, UInt64(byteCountMax)))
    var failure: TraceError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      do throws(TraceError) {
        let part = UnsafeMutableRawBufferPointer(start: target.baseAddress, count: count)
        try readData(DataRange(offset: range.offset, byteCount: UInt64(count)), into: part)
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The mappings that this event made. Cheap where asked for in order of events.
  package func mappings(forEvent number: UInt64) throws(TraceError) -> [MappingRecord] {
    try mappingRecords.records(forEvent: number)
  }

  /// The births, images and deaths that belong to this event. Cheap where asked for in order of events.
  package func tracees(forEvent number: UInt64) throws(TraceError) -> [TraceeRecord] {
    try traceeRecords.records(forEvent: number)
  }

  /// All mappings in order, independent of the other calls: for listings.
  package func mappingCursor() -> RecordCursor<MappingRecord> {
    Self.mappingCursor(streams, lastEvent: lastEventNumber)
  }

  /// All tracee records in order, independent of the other calls: for listings.
  package func traceeCursor() -> RecordCursor<TraceeRecord> {
    Self.traceeCursor(streams, lastEvent: lastEventNumber)
  }

  static func mappingCursor(_ streams: TraceStreams, lastEvent: UInt64) -> RecordCursor<MappingRecord> {
    RecordCursor(file: streams.mmaps, lastEvent: lastEvent, dataByteCount: streams.data.recordCount) {
      (decoder, bytes) throws(RecordFlaw) in try decoder.mapping(in: bytes)
    }
  }

  static func traceeCursor(_ streams: TraceStreams, lastEvent: UInt64) -> RecordCursor<TraceeRecord> {
    RecordCursor(file: streams.tracees, lastEvent: lastEvent, dataByteCount: streams.data.recordCount) {
      (decoder, bytes) throws(RecordFlaw) in try decoder.tracee(in: bytes)
    }
  }

  /// A path of the bytes of a file in `files/`, as long as the reader is there.
  package func path(ofStoredFile name: String) throws(TraceError) -> String { try storage.path(ofStoredFile: name) }
}

/// A position in the stream of events.
final class EventCursor {
  private let streams: TraceStreams
  private let blocks: BlockCursor
  private let decoder = RecordDecoder()
  private var offset = 0
  private var lookahead: TraceEvent?
  /// The number that the next decoded event must have, if it is in the current block.
  private var nextNumber: UInt64 = 1

  init(_ streams: TraceStreams) {
    self.streams = streams
    blocks = BlockCursor(streams.events)
  }

  func next() throws(TraceError) -> TraceEvent? {
    if let event = lookahead {
      lookahead = nil
      return event
    }
    if blocks.current.map({ nextNumber > $0.last }) ?? true {
      guard try loadNext() else { return nil }
    }
    return try decodeNext()
  }

  func peek() throws(TraceError) -> TraceEvent? {
    if lookahead == nil { lookahead = try next() }
    return lookahead
  }

  func seek(toEvent number: UInt64) throws(TraceError) {
    lookahead = nil
    if let block = blocks.current, block.first <= number, number <= block.last {
      if number < nextNumber {
        offset = 0
        nextNumber = block.first
      }
    } else {
      try blocks.seek(to: number) { $0.last < number }
      nextNumber = number
      guard try loadNext() else { return }
    }
    while nextNumber < number { _ = try decodeNext() }
  }

  private func loadNext() throws(TraceError) -> Bool {
    guard let header = try blocks.peekHeader() else {
      if case .damaged(let damage) = streams.events.ending { throw .damaged(damage) }
      return false
    }
    switch streams.lack(for: header) {
    case .cut: return false
    case .damaged(let damage): throw .damaged(damage)
    case nil: break
    }
    guard try blocks.loadNext(), let block = blocks.current else { return false }
    offset = 0
    nextNumber = block.first
    return true
  }

  private func decodeNext() throws(TraceError) -> TraceEvent {
    let content = blocks.content
    do throws(RecordFlaw) {
      let (event, byteCount) = try decoder.event(in: UnsafeRawBufferPointer(rebasing: content[offset...]))
      guard event.number == nextNumber else { throw RecordFlaw(reason: "an event has the wrong number") }
      let dataByteCount = blocks.current?.neededDataByteCount ?? 0
      guard event.memoryWrites.allSatisfy({ $0.data.isInside(dataByteCount) }),
        event.fileWrites.allSatisfy({ $0.data.isInside(dataByteCount) })
      else { throw RecordFlaw(reason: "event \(nextNumber) refers to data that isn't there") }
      offset += byteCount
      guard nextNumber != blocks.current?.last || offset == content.count else {
        throw RecordFlaw(reason: "there are bytes behind the block's last event")
      }
      nextNumber += 1
      return event
    } catch {
      throw blocks.damageInCurrent(error.reason)
    }
  }
}
