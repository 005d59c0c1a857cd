import CTraceFormat
import Glibc
import KernelABI
import SystemPackage

/// What `verifyTrace` found.
package struct TraceVerification: Sendable {
  /// Blocks whose digest agrees, over all streams.
  package var goodBlockCount: UInt64 = 0
  /// Their bytes in the files.
  package var goodByteCount: UInt64 = 0
  /// The last event that is whole, with its data, mappings and files.
  package var lastGoodEvent: UInt64 = 0
  /// There is no end event. That alone is no damage.
  package var isCutShort = true
  /// Files in `files/` that mappings refer to and that are there with their recorded size and time; of a packed trace:
  /// with their recorded content.
  package var storedFileCount: UInt64 = 0
  /// Everything that is wrong, the first bad block first; empty for an unaltered trace.
  package var problems: [TraceError] = []
  /// The one of them that is the index's: the trace can be read without it.
  package var indexProblem: TraceError?

  package var isUnaltered: Bool { problems.isEmpty }
}

/// Checks every block, the index and the stored files. Throws only where there is no readable header.
package func verifyTrace(
  directory: String, onProgress: ((Double) -> Void)? = nil
) throws(TraceError) -> TraceVerification {
  var verifier = try TraceVerifier(directory: directory, onProgress: onProgress)
  verifier.run()
  return verifier.result
}

/// Reads a whole trace without the index's help, and without stopping at damage: a bad block in one stream leaves the
/// others to be looked at.
private struct TraceVerifier {
  let directory: String
  let headerDigest: Digest
  let onProgress: ((Double) -> Void)?
  var result = TraceVerification()

  /// What is good of a stream, from its start on.
  struct Extent {
    var file: StreamFile
    /// Records; bytes of the data stream.
    var goodRecordCount: UInt64 = 0
    var isWhole = true
    /// Of mappings and tracee records: no event before this one lacks any.
    var lackFrom: UInt64 = 1
    /// The first bad block, if the stream is damaged.
    var damage: TraceDamage?
  }

  private var bytesDone: UInt64 = 0
  private var bytesTotal: UInt64 = 0
  private var extents: [BlockStream: Extent] = [:]
  /// Events from this one on are not good: something that they need isn't.
  private var badEvent = UInt64.max
  /// The first and last event that refer to the first bad block of data.
  private var eventsOfBadData: ClosedRange<UInt64>?

  init(directory: String, onProgress: ((Double) -> Void)?) throws(TraceError) {
    self.directory = directory
    self.onProgress = onProgress
    headerDigest = try HeaderFile.read(directory: directory).digest
  }

  mutating func run() {
    for stream in BlockStream.allCases { open(stream) }
    for stream in [BlockStream.data, .mmaps, .tracees] { checkBlocks(stream) }
    checkRecords()
    checkEvents()
    checkIndex()
  }

  private mutating func add(_ problem: TraceError) {
    // The first ones say it all.
    if result.problems.count < 16 { result.problems.append(problem) }
  }

  private mutating func open(_ stream: BlockStream) {
    do throws(TraceError) {
      let file = try StreamFile(directory: directory, stream: stream, headerDigest: headerDigest)
      try file.scan()
      extents[stream] = Extent(file: file)
      bytesTotal += file.usableByteCount
    } catch {
      add(error)
    }
  }

  /// Reads every block of a stream up to the first bad one.
  private mutating func checkBlocks(_ stream: BlockStream) {
    guard var extent = extents[stream] else { return }
    let cursor = BlockCursor(extent.file)
    do throws(TraceError) {
      while try cursor.loadNext(), let header = cursor.current { accept(header, in: &extent) }
      finish(&extent)
    } catch {
      fail(&extent, error)
    }
    extents[stream] = extent
  }

  private mutating func accept(_ header: BlockHeader, in extent: inout Extent) {
    result.goodBlockCount += 1
    result.goodByteCount += header.fileByteCount
    extent.goodRecordCount =
      header.recordsBefore + UInt64(header.stream == .data ? header.byteCount : header.recordCount)
    advance(header.fileByteCount)
  }

  private mutating func advance(_ byteCount: UInt64) {
    bytesDone += byteCount
    onProgress?(bytesTotal == 0 ? 1 : min(1, Double(bytesDone) / Double(bytesTotal)))
  }

  private mutating func finish(_ extent: inout Extent) {
    switch extent.file.ending {
    case .whole: break
    case .unfinished: extent.isWhole = false
    case .damaged(let damage): fail(&extent, .damaged(damage))
    }
  }

  private mutating func fail(_ extent: inout Extent, _ error: TraceError) {
    extent.isWhole = false
    if case .damaged(let damage) = error { extent.damage = damage }
    add(error)
  }

  /// The mappings and tracee records themselves: what they refer to must be good.
  private mutating func checkRecords() {
    let dataByteCount = extents[.data]?.goodRecordCount ?? 0
    var checkedFiles: Set<String> = []
    if let extent = extents[.mmaps] {
      let cursor = RecordCursor<MappingRecord>(file: extent.file, lastEvent: .max, dataByteCount: .max) {
        (decoder, bytes) throws(RecordFlaw) in try decoder.mapping(in: bytes)
      }
      checkRecords(.mmaps, cursor) { verifier, mapping in
        switch mapping.source {
        case .data(let range) where !range.isInside(dataByteCount): verifier.noteBadData(range, mapping.event)
        case .traceFile(let name) where checkedFiles.insert(name).inserted: verifier.checkFile(name, mapping)
        default: break
        }
      }
    }
    if let extent = extents[.tracees] {
      let cursor = RecordCursor<TraceeRecord>(file: extent.file, lastEvent: .max, dataByteCount: .max) {
        (decoder, bytes) throws(RecordFlaw) in try decoder.tracee(in: bytes)
      }
      checkRecords(.tracees, cursor) { _, _ in }
    }
  }

  private mutating func checkRecords<Record>(
    _ stream: BlockStream, _ cursor: RecordCursor<Record>, _ check: (inout TraceVerifier, Record) -> Void
  ) {
    guard let extent = extents[stream] else { return }
    var count: UInt64 = 0
    var lastEvent: UInt64 = 1
    do throws(TraceError) {
      while count < extent.goodRecordCount, let record = try cursor.next() {
        count += 1
        lastEvent = record.event
        check(&self, record)
      }
      // A bad block whose header is good says which event its first record belongs to. Without that, it may be the same
      // event as that of the last good record.
      extents[stream]?.lackFrom = extent.damage?.events?.lowerBound ?? lastEvent
    } catch {
      // The block is as it was written; a record in it is not one.
      extents[stream]?.goodRecordCount = count
      extents[stream]?.lackFrom = lastEvent
      add(error)
    }
  }

  private mutating func markBad(_ event: UInt64) { badEvent = min(badEvent, event) }

  private mutating func noteBadData(_ range: DataRange, _ event: UInt64) {
    markBad(event)
    let start = extents[.data]?.goodRecordCount ?? 0
    guard range.offset < start + UInt64(BlockStream.data.blockByteCount) else { return }
    let known = eventsOfBadData ?? event...event
    eventsOfBadData = min(event, known.lowerBound)...max(event, known.upperBound)
  }

  /// A block of data doesn't know its events: those that refer to it do.
  private mutating func nameEventsOfBadData() {
    guard let damage = extents[.data]?.damage, let index = result.problems.firstIndex(of: .damaged(damage)) else {
      return
    }
    var named = damage
    named.events = eventsOfBadData
    result.problems[index] = .damaged(named)
  }

  private mutating func checkFile(_ name: String, _ mapping: MappingRecord) {
    let file = StoredFile(directory: directory, name: name)
    if mapping.contentHash != nil { bytesTotal &+= mapping.fileSize }
    if let damage = file.damage(for: mapping, onBytes: { advance(UInt64($0)) }) {
      add(.damaged(damage))
      markBad(mapping.event)
    } else {
      result.storedFileCount += 1
    }
  }

  private mutating func checkEvents() {
    guard var extent = extents[.events] else { return }
    let cursor = BlockCursor(extent.file)
    let decoder = RecordDecoder()
    var isEnded = false
    do throws(TraceError) {
      while try cursor.loadNext(), let header = cursor.current {
        accept(header, in: &extent)
        if isEnded { throw cursor.damageInCurrent("there are events behind the end event") }
        noteNeeds(header)
        try checkEvents(cursor, decoder, header, &isEnded)
      }
      finish(&extent)
    } catch {
      fail(&extent, error)
    }
    extents[.events] = extent
    result.isCutShort = !isEnded
    nameEventsOfBadData()
    if isEnded { reportLeftovers() }
  }

  /// A block of events whose needs are not met ends what is good. Of data, the events themselves know what they need.
  private mutating func noteNeeds(_ header: BlockHeader) {
    let needs: [(BlockStream, UInt64)] = [
      (.mmaps, header.neededMappingCount), (.tracees, header.neededTraceeCount),
    ]
    for (stream, count) in needs {
      guard let extent = extents[stream] else {
        if count > 0 { markBad(header.first) }
        continue
      }
      // The needs of the blocks before this one were met.
      if extent.goodRecordCount < count { markBad(max(header.first, extent.lackFrom)) }
    }
  }

  private mutating func checkEvents(
    _ cursor: BlockCursor, _ decoder: RecordDecoder, _ header: BlockHeader, _ isEnded: inout Bool
  ) throws(TraceError) {
    let goodData = extents[.data]?.goodRecordCount ?? 0
    let content = cursor.content
    var offset = 0
    var number = header.first
    do throws(RecordFlaw) {
      while offset < content.count {
        let (event, byteCount) = try decoder.event(in: UnsafeRawBufferPointer(rebasing: content[offset...]))
        guard event.number == number, number <= header.last else {
          throw RecordFlaw(reason: "an event has the wrong number")
        }
        let ranges = event.memoryWrites.map(\.data) + event.fileWrites.map(\.data)
        guard ranges.allSatisfy({ $0.isInside(header.neededDataByteCount) }) else {
          throw RecordFlaw(reason: "event \(number) refers to data that isn't there")
        }
        for range in ranges where !range.isInside(goodData) { noteBadData(range, number) }
        if event.kind == .end { isEnded = true }
        if number < badEvent { result.lastGoodEvent = number }
        offset += byteCount
        number += 1
      }
      guard number == header.last + 1 else { throw RecordFlaw(reason: "events are missing from the block") }
    } catch {
      throw cursor.damageInCurrent(error.reason)
    }
  }

  /// A complete trace has nothing unfinished in it, and all that its events need.
  private mutating func reportLeftovers() {
    for stream in BlockStream.allCases {
      guard let extent = extents[stream], extent.damage == nil, !extent.isWhole else { continue }
      add(
        .damaged(
          TraceDamage(
            file: extent.file.path, block: extent.file.lastHeader.map { $0.sequence + 1 } ?? 0,
            fileOffset: extent.file.usableByteCount, reason: "the block is unfinished, though the recording ended")))
    }
    if badEvent != .max, result.problems.isEmpty {
      add(
        .damaged(
          TraceDamage(
            file: directory, block: nil, fileOffset: 0, events: badEvent...badEvent,
            reason: "blocks that this event needs are missing")))
    }
  }

  private mutating func checkIndex() {
    let files = extents.mapValues { $0.file }
    if let problem = BlockIndex.problem(directory: directory, files: files, isCutShort: result.isCutShort) {
      result.indexProblem = problem
      add(problem)
    }
  }
}
