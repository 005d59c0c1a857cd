import Glibc
import SystemPackage

/// Checks the blocks of a stream on several threads side by side, and tells what they hold in their order, up to the
/// first bad one.
final class StreamSurvey<Finding>: @unchecked Sendable {
  /// What a block, whose digest agrees, tells. Called on any thread, for several blocks at once.
  typealias Examine = (BlockHeader, BlockLoader, RecordDecoder) throws(RecordFlaw) -> Finding
  /// Called for one block after the other, under the lock.
  typealias Accept = (BlockHeader, Finding) throws(RecordFlaw) -> Void

  private struct Block {
    var header: BlockHeader
    var offset: UInt64
  }

  /// How far ahead of the blocks that are being read the disk is kept busy.
  private static var readAheadByteCount: UInt64 { 8 << 20 }

  private let file: StreamFile
  private let examine: Examine
  private let accept: Accept
  private let monitor = Monitor()
  private let headers: BlockCursor
  private var readAheadOffset: UInt64 = 0
  /// Blocks that are examined, but not those before them.
  private var early: [UInt64: (Block, Result<Finding, TraceError>)] = [:]
  private var isEnded = false
  /// Of a header that is bad, behind all blocks that were handed out.
  private var headerFailure: TraceError?
  private var blockFailure: TraceError?
  /// The good blocks: they are all before the first bad one.
  private(set) var goodBlockCount: UInt64 = 0
  private(set) var goodByteCount: UInt64 = 0
  private(set) var goodRecordCount: UInt64 = 0

  init(_ file: StreamFile, examine: @escaping Examine, accept: @escaping Accept) {
    self.file = file
    self.examine = examine
    self.accept = accept
    headers = BlockCursor(file)
  }

  /// What is wrong with the first block that isn't good. Preconditions: all threads have returned from `work`.
  var failure: TraceError? { blockFailure ?? headerFailure }

  /// Takes blocks until there are no more. Every thread that has time calls it.
  func work() {
    let loader = BlockLoader()
    let decoder = RecordDecoder()
    while let block = take() {
      let result: Result<Finding, TraceError>
      do throws(TraceError) {
        try loader.read(block.header, at: block.offset, of: file)
        result = .success(try examine(block, loader, decoder))
      } catch {
        result = .failure(error)
      }
      deliver(block, result)
    }
  }

  private func examine(
    _ block: Block, _ loader: BlockLoader, _ decoder: RecordDecoder
  ) throws(TraceError) -> Finding {
    do throws(RecordFlaw) {
      return try examine(block.header, loader, decoder)
    } catch {
      throw file.damage(in: block.header, at: block.offset, error.reason)
    }
  }

  private func take() -> Block? {
    monitor.lock()
    defer { monitor.unlock() }
    guard !isEnded, blockFailure == nil else { return nil }
    do throws(TraceError) {
      if let header = try headers.peekHeader() {
        let block = Block(header: header, offset: headers.nextOffset)
        headers.skip(header)
        readAhead()
        return block
      }
    } catch {
      headerFailure = error
    }
    isEnded = true
    return nil
  }

  private func readAhead() {
    guard headers.nextOffset + Self.readAheadByteCount / 2 > readAheadOffset else { return }
    file.prepareToRead(at: readAheadOffset, byteCount: Self.readAheadByteCount)
    readAheadOffset += Self.readAheadByteCount
  }

  private func deliver(_ block: Block, _ result: Result<Finding, TraceError>) {
    monitor.lock()
    defer { monitor.unlock() }
    early[block.header.sequence] = (block, result)
    while blockFailure == nil, let (next, result) = early.removeValue(forKey: goodBlockCount) {
      do throws(TraceError) {
        try accept(next, try result.get())
      } catch {
        blockFailure = error
      }
    }
  }

  private func accept(_ block: Block, _ finding: Finding) throws(TraceError) {
    let header = block.header
    do throws(RecordFlaw) {
      try accept(header, finding)
    } catch {
      throw file.damage(in: header, at: block.offset, error.reason)
    }
    goodBlockCount += 1
    goodByteCount += header.fileByteCount
    goodRecordCount = header.recordsBefore + UInt64(header.stream == .data ? header.byteCount : header.recordCount)
  }
}

/// Runs `body` on this thread and beside it on helper threads, one for each other processor, and returns when all are
/// done. Where there can be no helpers, this thread does it alone.
func withHelperThreads(_ body: @escaping @Sendable () -> Void) {
  // More than the disk can feed would only take memory.
  let count = min(8, max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
  var helpers: [HelperThread] = []
  for _ in 1..<count {
    guard let helper = try? HelperThread(body) else { break }
    helpers.append(helper)
  }
  body()
  for helper in helpers { helper.join() }
}
