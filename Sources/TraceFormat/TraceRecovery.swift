import CTraceFormat
import Glibc
import KernelABI
import SystemPackage

/// What `recoverTrace` did.
package struct TraceRecovery: Sendable {
  /// The last event that is whole. A note and the end event follow it, unless an earlier recovery had done all but the
  /// rest: then it is the end event itself.
  package var lastGoodEvent: UInt64
  package var cuts: [StreamCut]
  /// The directory that keeps what was cut off; nil where that was only what the recorder was about to write.
  package var lostDirectory: String?
}

/// Makes a trace that was cut short, or is damaged, one that ends at its last whole event. Returns nil for a trace that
/// is whole.
///
/// What the streams will be is written into the trace as a `RecoveryPlan` first, and then done: whatever ends this
/// process, the next call takes it up. `allowsFileLoss` is for a trace that lacks a stored file: without it, that is
/// left alone, because all events from the file's first mapping on would go.
package func recoverTrace(
  directory: String, allowsFileLoss: Bool = false, onProgress: ((Double) -> Void)? = nil
) throws(TraceError) -> TraceRecovery? {
  let (header, headerDigest) = try HeaderFile.read(directory: directory)
  let lock = try TraceLock(directory: directory)
  defer { lock.release() }
  let hadPlan = try RecoveryPlan.finishEarlier(directory: directory, headerDigest: headerDigest)
  let verifier = try TraceVerifier(directory: directory, checksRecords: true, onProgress: onProgress)
  verifier.run()
  let result = verifier.result
  if result.isUnaltered, !result.isCutShort {
    return hadPlan ? TraceRecovery(lastGoodEvent: result.lastGoodEvent, cuts: [], lostDirectory: nil) : nil
  }
  func because(_ problem: TraceError?) -> String { problem.map { ": \($0)" } ?? "" }
  if let problem = verifier.storedFileProblem, !allowsFileLoss {
    throw .unrecoverable(
      directory: directory, reason: "a mapped file isn't the recorded one; --force gives up all events behind "
        + "\(result.lastGoodEvent)" + because(problem))
  }
  // A recorder that is killed at its start leaves no event, and that is all there was.
  guard result.lastGoodEvent > 0 || result.isUnaltered else {
    throw .unrecoverable(directory: directory, reason: "not one event is whole" + because(result.problems.first))
  }
  let planner = RecoveryPlanner(verifier, headerDigest: headerDigest)
  let plan = try planner.plan()
  try verifier.checkpoints.remove(from: result.lastGoodEvent)
  try plan.publish()
  try RecoveryPlan.perform(directory: directory, headerDigest: headerDigest)
  return TraceRecovery(
    lastGoodEvent: result.lastGoodEvent, cuts: planner.cuts, lostDirectory: plan.lostDirectory)
}

/// Finds out where each stream has to end, and what has to follow there.
private final class RecoveryPlanner {
  private let directory: String
  private let headerDigest: Digest
  private let lastGoodEvent: UInt64
  private let extents: [BlockStream: TraceVerifier.Extent]
  private let keepsWhatIsLost: Bool
  private(set) var cuts: [StreamCut] = []

  init(_ verifier: TraceVerifier, headerDigest: Digest) {
    directory = verifier.directory
    self.headerDigest = headerDigest
    lastGoodEvent = verifier.result.lastGoodEvent
    extents = verifier.extents
    let lastBlock = extents[.events]?.file.lastHeader
    keepsWhatIsLost = !verifier.result.isUnaltered || (lastBlock?.last ?? 0) > lastGoodEvent
  }

  func plan() throws(TraceError) -> RecoveryPlan {
    var data = StreamTail(.data, headerDigest: headerDigest)
    try keepBlocks(&data) { _ in true }
    var mmaps = StreamTail(.mmaps, headerDigest: headerDigest)
    try keepBlocks(&mmaps) { $0.last <= lastGoodEvent }
    try keepRecords(&mmaps) { (decoder, bytes) throws(RecordFlaw) in
      let (record, byteCount) = try decoder.mapping(in: bytes)
      return (record.event, byteCount)
    }
    var tracees = StreamTail(.tracees, headerDigest: headerDigest)
    try keepBlocks(&tracees) { $0.last <= lastGoodEvent }
    try keepRecords(&tracees) { (decoder, bytes) throws(RecordFlaw) in
      let (record, byteCount) = try decoder.tracee(in: bytes)
      return (record.event, byteCount)
    }
    var events = StreamTail(.events, headerDigest: headerDigest)
    events.needs = (data.recordCount, mmaps.recordCount, tracees.recordCount)
    // A block may need a mapping of the event behind it that isn't there any more: it was written when the block was.
    let start = events
    try keepBlocks(&events) { $0.last <= lastGoodEvent && start.meetsNeeds(of: $0) }
    try keepRecords(&events) { (decoder, bytes) throws(RecordFlaw) in
      let (event, byteCount) = try decoder.event(in: bytes)
      return (event.number, byteCount)
    }
    if !events.isEnded { try addEnd(&events) }
    let tails = [data, mmaps, tracees, events]
    cuts = tails.compactMap(cutOff)
    return RecoveryPlan(directory: directory, tails: tails, lost: keepsWhatIsLost ? cuts : [])
  }

  /// Keeps blocks from the start on, as long as they are good and `isKept` is true.
  private func keepBlocks(_ tail: inout StreamTail, while isKept: (BlockHeader) -> Bool) throws(TraceError) {
    guard let extent = extents[tail.stream] else { return }
    let cursor = BlockCursor(extent.file)
    while cursor.nextOffset < extent.goodByteCount, let header = try cursor.peekHeader(), isKept(header) {
      tail.keep(header)
      cursor.skip(header)
    }
  }

  /// Of the block behind those that are kept: the records up to the last good event.
  private func keepRecords(
    _ tail: inout StreamTail, _ decode: (RecordDecoder, UnsafeRawBufferPointer) throws(RecordFlaw) -> (UInt64, Int)
  ) throws(TraceError) {
    guard let extent = extents[tail.stream], tail.offset < extent.goodByteCount else { return }
    let cursor = BlockCursor(extent.file)
    while let header = try cursor.peekHeader(), cursor.nextOffset < tail.offset { cursor.skip(header) }
    guard try cursor.loadNext() else { return }
    let decoder = RecordDecoder()
    var records: [UInt64] = []
    var offset = 0
    do throws(RecordFlaw) {
      while offset < cursor.content.count {
        let rest = UnsafeRawBufferPointer(rebasing: cursor.content[offset...])
        let (event, byteCount) = try decode(decoder, rest)
        if event > lastGoodEvent { break }
        records.append(event)
        offset += byteCount
      }
    } catch {
      throw cursor.damageInCurrent(error.reason)
    }
    tail.add(records: records, UnsafeRawBufferPointer(rebasing: cursor.content[..<offset]))
  }

  /// The end of the recording, with a note that says why it is there.
  private func addEnd(_ tail: inout StreamTail) throws(TraceError) {
    var note = TraceEvent(
      tid: Tid(0), ticks: 0, monotonicNanoseconds: 0,
      kind: .note("the recording was cut short behind event \(lastGoodEvent); rrs recover gave it this end"),
      registers: nil)
    var end = TraceEvent(tid: Tid(0), ticks: 0, monotonicNanoseconds: 0, kind: .end, registers: nil)
    if lastGoodEvent > 0 {
      let last = try event(lastGoodEvent)
      note.tid = last.tid
      note.ticks = last.ticks
      note.monotonicNanoseconds = last.monotonicNanoseconds
      end.tid = try event(1).tid
      end.monotonicNanoseconds = last.monotonicNanoseconds
    }
    note.number = lastGoodEvent + 1
    end.number = lastGoodEvent + 2
    let encoder = RecordEncoder()
    // The encoder's memory is its own until the next call.
    let bytes = Array(encoder.encode(note)) + Array(encoder.encode(end))
    bytes.withUnsafeBytes { tail.add(records: [note.number, end.number], $0, isLast: true) }
  }

  private func event(_ number: UInt64) throws(TraceError) -> TraceEvent {
    guard let file = extents[.events]?.file else { throw .noSuchEvent(number: number, last: 0) }
    let cursor = BlockCursor(file)
    try cursor.seek(to: number) { $0.last < number }
    guard try cursor.loadNext() else { throw .noSuchEvent(number: number, last: lastGoodEvent) }
    let decoder = RecordDecoder()
    var offset = 0
    do throws(RecordFlaw) {
      while true {
        let (event, byteCount) = try decoder.event(in: UnsafeRawBufferPointer(rebasing: cursor.content[offset...]))
        if event.number == number { return event }
        offset += byteCount
      }
    } catch {
      throw cursor.damageInCurrent(error.reason)
    }
  }

  /// What of the stream's file isn't kept as it is.
  private func cutOff(_ tail: StreamTail) -> StreamCut? {
    guard let file = extents[tail.stream]?.file, file.byteCount > tail.offset else { return nil }
    return StreamCut(stream: tail.stream.fileName, offset: tail.offset, byteCount: file.byteCount)
  }
}
