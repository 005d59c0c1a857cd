/// A record of the streams `mmaps` or `tracees`: it belongs to an event.
package protocol EventRecord {
  var event: UInt64 { get }
}

extension MappingRecord: EventRecord {}
extension TraceeRecord: EventRecord {}

/// A position in a stream of records that belong to events.
package final class RecordCursor<Record: EventRecord> {
  typealias Decode = (RecordDecoder, UnsafeRawBufferPointer) throws(RecordFlaw) -> (Record, Int)

  private let blocks: BlockCursor
  private let decoder = RecordDecoder()
  private let decode: Decode
  /// The last readable event: what belongs to later ones isn't shown.
  private let lastEvent: UInt64
  private let dataByteCount: UInt64
  private var offset = 0
  private var remainingRecords = 0
  private var lastRecordEvent: UInt64 = 0
  private var lookahead: Record?
  /// Records of this event and later ones have not been passed yet.
  private var floor: UInt64 = 0
  /// The last answer of `records(forEvent:)`: several parts of a replay ask for the same event.
  private var answer: (event: UInt64, records: [Record]) = (0, [])

  init(file: StreamFile, lastEvent: UInt64, dataByteCount: UInt64, decode: @escaping Decode) {
    blocks = BlockCursor(file)
    self.lastEvent = lastEvent
    self.dataByteCount = dataByteCount
    self.decode = decode
  }

  /// The next record, nil at the end.
  package func next() throws(TraceError) -> Record? {
    if let record = lookahead {
      lookahead = nil
      return record
    }
    while remainingRecords == 0 {
      guard try blocks.loadNext(), let header = blocks.current else {
        if case .damaged(let damage) = blocks.file.ending { throw .damaged(damage) }
        return nil
      }
      offset = 0
      remainingRecords = header.recordCount
      lastRecordEvent = header.first
    }
    let record = try decodeNext()
    return record.event <= lastEvent ? record : nil
  }

  private func decodeNext() throws(TraceError) -> Record {
    let content = blocks.content
    guard let header = blocks.current else { throw blocks.damageInCurrent("there is no block") }
    do throws(RecordFlaw) {
      let (record, byteCount) = try decode(decoder, UnsafeRawBufferPointer(rebasing: content[offset...]))
      let isFirst = remainingRecords == header.recordCount
      guard isFirst ? record.event == header.first : record.event >= lastRecordEvent, record.event <= header.last else {
        throw RecordFlaw(reason: "a record is out of order")
      }
      if let mapping = record as? MappingRecord, case .data(let range) = mapping.source {
        guard range.isInside(dataByteCount) || record.event > lastEvent else {
          throw RecordFlaw(reason: "a mapping refers to data that isn't there")
        }
      }
      offset += byteCount
      remainingRecords -= 1
      guard remainingRecords > 0 || offset == content.count else {
        throw RecordFlaw(reason: "there are bytes behind the block's last record")
      }
      lastRecordEvent = record.event
      return record
    } catch {
      throw blocks.damageInCurrent(error.reason)
    }
  }

  /// `next()` will return the first record of this event or of a later one.
  package func seek(toEvent number: UInt64) throws(TraceError) {
    lookahead = nil
    remainingRecords = 0
    floor = number
    try blocks.seek(to: number) { $0.last < number }
    try skip(to: number)
  }

  private func skip(to number: UInt64) throws(TraceError) {
    while let record = try next() {
      if record.event >= number {
        lookahead = record
        return
      }
    }
  }

  /// The records of one event. Cheap where asked for in order of events.
  func records(forEvent number: UInt64) throws(TraceError) -> [Record] {
    if number == answer.event { return answer.records }
    if number < floor { try seek(toEvent: number) }
    if lookahead == nil { lookahead = try next() }
    // Far ahead the index leads there; within a block the records are just passed.
    if let record = lookahead, record.event < number, let block = blocks.current, block.last < number {
      try seek(toEvent: number)
    }
    try skip(to: number)
    floor = number + 1
    var records: [Record] = []
    while let record = try next() {
      if record.event != number {
        lookahead = record
        break
      }
      records.append(record)
    }
    answer = (number, records)
    return records
  }
}

/// All records of a block of such a stream.
func allRecords<Record: EventRecord>(
  _ header: BlockHeader, _ content: UnsafeRawBufferPointer,
  decode: (UnsafeRawBufferPointer) throws(RecordFlaw) -> (Record, Int)
) throws(RecordFlaw) -> [Record] {
  var records: [Record] = []
  var offset = 0
  var event = header.first
  while offset < content.count {
    let (record, byteCount) = try decode(UnsafeRawBufferPointer(rebasing: content[offset...]))
    guard record.event >= event, record.event <= header.last else {
      throw RecordFlaw(reason: "a record is out of order")
    }
    event = record.event
    records.append(record)
    offset += byteCount
  }
  guard records.count == header.recordCount, records.first?.event == header.first, event == header.last else {
    throw RecordFlaw(reason: "records are missing from the block")
  }
  return records
}

extension DataRange {
  func isInside(_ byteCount: UInt64) -> Bool { offset <= byteCount && self.byteCount <= byteCount - offset }
}
