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
  /// What is wrong with persistent checkpoints: the trace can be replayed without them.
  package var checkpointProblems: [TraceError] = []

  package var isUnaltered: Bool { problems.isEmpty }
}

/// Checks every block, the index and the stored files, on all processors. Throws only where there is no readable
/// header.
///
/// The digests prove that all is as the recorder wrote it. `checksRecords` is for who doubts the recorder: each block
/// is decompressed, too, and each record decoded. `onProgress` is called on any thread, but never twice at once.
package func verifyTrace(
  directory: String, checksRecords: Bool = false, onProgress: ((Double) -> Void)? = nil
) throws(TraceError) -> TraceVerification {
  let verifier = try TraceVerifier(directory: directory, checksRecords: checksRecords, onProgress: onProgress)
  verifier.run()
  var result = verifier.result
  result.checkpointProblems = verifier.checkpoints.verify()
  return result
}

/// Reads a whole trace without the index's help, and without stopping at damage: a bad block in one stream leaves the
/// others to be looked at.
///
/// The streams are gone through one after the other, the blocks of each side by side; of the verifier's own state only
/// what `accept` functions touch is used meanwhile, under the survey's lock.
final class TraceVerifier: @unchecked Sendable {
  let directory: String
  private let storage: TraceStorage
  private let checksRecords: Bool
  private let headerDigest: Digest
  let checkpoints: CheckpointStore
  private let onProgress: ((Double) -> Void)?
  private(set) var result = TraceVerification()

  /// What is good of a stream, from its start on.
  struct Extent {
    var file: StreamFile
    var goodByteCount: UInt64 = 0
    /// Records; bytes of the data stream.
    var goodRecordCount: UInt64 = 0
    var isWhole = true
    /// Of mappings and tracee records: no event before this one lacks any.
    var lackFrom: UInt64 = 1
    /// The first bad block, if the stream is damaged.
    var damage: TraceDamage?
  }

  private let progressMonitor = Monitor()
  private var bytesDone: UInt64 = 0
  private var bytesTotal: UInt64 = 0
  private(set) var extents: [BlockStream: Extent] = [:]
  /// Events from this one on are not good: something that they need isn't.
  private var badEvent = UInt64.max
  /// The first and last event that refer to the first bad block of data.
  private var eventsOfBadData: ClosedRange<UInt64>?
  /// The stored files, with the first mapping of each.
  private var storedFiles: [String: MappingRecord] = [:]
  /// The first of what is wrong with them.
  private(set) var storedFileProblem: TraceError?
  private var storedFileSurvey: StoredFileSurvey?

  init(
    directory: String, checksRecords: Bool, onProgress: ((Double) -> Void)? = nil
  ) throws(TraceError) {
    self.directory = directory
    self.checksRecords = checksRecords
    self.onProgress = onProgress
    storage = try TraceStorage(path: directory)
    let header = try HeaderFile.read(storage)
    headerDigest = header.digest
    checkpoints = CheckpointStore(storage, header.header)
  }

  func run() {
    for stream in BlockStream.allCases { open(stream) }
    checkData()
    checkMappings()
    checkTracees()
    prepareStoredFiles()
    checkEvents()
    checkIndex()
    checkGaps()
  }

  private func add(_ problem: TraceError) {
    // The first ones say it all.
    if result.problems.count < 16 { result.problems.append(problem) }
  }

  private func open(_ stream: BlockStream) {
    do throws(TraceError) {
      let file = try StreamFile(storage, stream: stream, headerDigest: headerDigest)
      try file.scan()
      extents[stream] = Extent(file: file)
      bytesTotal += file.usableByteCount
    } catch {
      add(error)
    }
  }

  /// Checks every block of a stream up to the first bad one.
  private func survey<Finding>(
    _ stream: BlockStream, examine: @escaping StreamSurvey<Finding>.Examine,
    accept: @escaping StreamSurvey<Finding>.Accept
  ) {
    guard var extent = extents[stream] else { return }
    let survey = StreamSurvey(extent.file, examine: examine) { header, finding throws(RecordFlaw) in
      self.progress(header.fileByteCount)
      try accept(header, finding)
    }
    withHelperThreads {
      // Those of this trace are hashed beside the last stream: the longest of them isn't waited for alone.
      if stream == .events { self.storedFileSurvey?.work() }
      survey.work()
    }
    result.goodBlockCount += survey.goodBlockCount
    result.goodByteCount += survey.goodByteCount
    extent.goodByteCount = survey.goodByteCount
    extent.goodRecordCount = survey.goodRecordCount
    if let failure = survey.failure {
      fail(&extent, failure)
    } else {
      switch extent.file.ending {
      case .whole: break
      case .unfinished: extent.isWhole = false
      case .damaged(let damage): fail(&extent, .damaged(damage))
      }
    }
    extents[stream] = extent
  }

  private func progress(_ byteCount: UInt64) {
    progressMonitor.lock()
    defer { progressMonitor.unlock() }
    bytesDone += byteCount
    onProgress?(bytesTotal == 0 ? 1 : min(1, Double(bytesDone) / Double(bytesTotal)))
  }

  private func fail(_ extent: inout Extent, _ error: TraceError) {
    extent.isWhole = false
    if case .damaged(let damage) = error { extent.damage = damage }
    add(error)
  }

  // MARK: - What events need

  private func checkData() {
    survey(.data) { (_, loader, _) throws(RecordFlaw) in
      if self.checksRecords { _ = try loader.content() }
    } accept: { _, _ in }
  }

  /// The mappings: what they refer to must be good.
  private func checkMappings() {
    let dataByteCount = extents[.data]?.goodRecordCount ?? 0
    surveyRecords(.mmaps) { (decoder, bytes) throws(RecordFlaw) in
      try decoder.mapping(in: bytes)
    } accept: { mapping in
      switch mapping.source {
      case .data(let range) where !range.isInside(dataByteCount): self.noteBadData(range, mapping.event)
      case .traceFile(let name) where self.storedFiles[name] == nil: self.storedFiles[name] = mapping
      default: break
      }
    }
  }

  private func checkTracees() {
    surveyRecords(.tracees) { (decoder, bytes) throws(RecordFlaw) in
      try decoder.tracee(in: bytes)
    } accept: { _ in }
  }

  private func surveyRecords<Record: EventRecord>(
    _ stream: BlockStream, decode: @escaping RecordCursor<Record>.Decode, accept: @escaping (Record) -> Void
  ) {
    var lastEvent: UInt64 = 1
    survey(stream) { (header, loader, decoder) throws(RecordFlaw) in
      try allRecords(header, try loader.content()) { (bytes) throws(RecordFlaw) in try decode(decoder, bytes) }
    } accept: { header, records in
      lastEvent = header.last
      for record in records { accept(record) }
    }
    // A bad block whose header is good says which event its first record belongs to. Without that, it may be the same
    // event as that of the last good record.
    let firstOfBad = extents[stream]?.damage?.events?.lowerBound
    extents[stream]?.lackFrom = firstOfBad ?? lastEvent
  }

  private func markBad(_ event: UInt64) { badEvent = min(badEvent, event) }

  private func noteBadData(_ range: DataRange, _ event: UInt64) {
    markBad(event)
    let start = extents[.data]?.goodRecordCount ?? 0
    guard range.offset < start + UInt64(BlockStream.data.blockByteCount) else { return }
    let known = eventsOfBadData ?? event...event
    eventsOfBadData = min(event, known.lowerBound)...max(event, known.upperBound)
  }

  /// A block of data doesn't know its events: those that refer to it do.
  private func nameEventsOfBadData() {
    guard let damage = extents[.data]?.damage, let index = result.problems.firstIndex(of: .damaged(damage)) else {
      return
    }
    var named = damage
    named.events = eventsOfBadData
    result.problems[index] = .damaged(named)
  }

  private func prepareStoredFiles() {
    let files = storedFiles.map { StoredFileSurvey.Job(name: $0.key, mapping: $0.value) }
    storedFileSurvey = StoredFileSurvey(files, in: storage) { [unowned self] in progress(UInt64($0)) }
    for file in files where file.mapping.contentHash != nil { bytesTotal &+= file.mapping.fileSize }
  }

  private func noteStoredFiles() {
    let damages = storedFileSurvey?.damages ?? []
    result.storedFileCount = UInt64(storedFiles.count - damages.count)
    for (mapping, damage) in damages {
      storedFileProblem = storedFileProblem ?? .damaged(damage)
      add(.damaged(damage))
      markBad(mapping.event)
    }
  }

  // MARK: - Events

  /// What the events of a block say together.
  private struct EventsFinding {
    var hasEnd = false
    /// The data that isn't there, with the event that refers to it.
    var badData: [(range: DataRange, event: UInt64)] = []
  }

  private func checkEvents() {
    let goodData = extents[.data]?.goodRecordCount ?? 0
    var isEnded = false
    var lastEvent: UInt64 = 0
    survey(.events) { (header, loader, decoder) throws(RecordFlaw) in
      guard self.checksRecords || header.neededDataByteCount > goodData else {
        return EventsFinding(hasEnd: header.isLast)
      }
      return try Self.examineEvents(header, try loader.content(), decoder, goodData: goodData)
    } accept: { (header, finding: EventsFinding) throws(RecordFlaw) in
      if isEnded { throw RecordFlaw(reason: "there are events behind the end event") }
      isEnded = finding.hasEnd
      self.noteNeeds(header)
      for (range, event) in finding.badData { self.noteBadData(range, event) }
      lastEvent = header.last
    }
    noteStoredFiles()
    result.lastGoodEvent = min(lastEvent, badEvent - 1)
    result.isCutShort = !isEnded
    nameEventsOfBadData()
    if isEnded { reportLeftovers() }
  }

  private static func examineEvents(
    _ header: BlockHeader, _ content: UnsafeRawBufferPointer, _ decoder: RecordDecoder, goodData: UInt64
  ) throws(RecordFlaw) -> EventsFinding {
    var finding = EventsFinding()
    var offset = 0
    var number = header.first
    while offset < content.count {
      let rest = UnsafeRawBufferPointer(rebasing: content[offset...])
      let outline = try decoder.eventOutline(in: rest) { (range) throws(RecordFlaw) in
        guard range.isInside(header.neededDataByteCount) else {
          throw RecordFlaw(reason: "event \(number) refers to data that isn't there")
        }
        if !range.isInside(goodData) { finding.badData.append((range, number)) }
      }
      guard outline.number == number, number <= header.last else {
        throw RecordFlaw(reason: "an event has the wrong number")
      }
      guard outline.isEnd == (header.isLast && number == header.last) else {
        throw RecordFlaw(reason: "the block's header tells another end of the trace than its events")
      }
      finding.hasEnd = outline.isEnd
      offset += outline.byteCount
      number += 1
    }
    guard number == header.last + 1 else { throw RecordFlaw(reason: "events are missing from the block") }
    return finding
  }

  /// A block of events whose needs are not met ends what is good. Of data, the events themselves know what they need.
  private func noteNeeds(_ header: BlockHeader) {
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

  /// A complete trace has nothing unfinished in it, and all that its events need.
  private func reportLeftovers() {
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

  private func checkGaps() {
    do throws(TraceError) {
      try storage.checkGaps()
    } catch {
      add(error)
    }
  }

  private func checkIndex() {
    let files = extents.mapValues(\.file)
    if let problem = BlockIndex.problem(storage, files: files, isCutShort: result.isCutShort) {
      result.indexProblem = problem
      add(problem)
    }
  }
}
