import CTraceFormat

/// Reads a stream's blocks one after the other, and keeps the current one's content.
final class BlockCursor {
  let file: StreamFile
  /// The block whose content is loaded.
  private(set) var current: BlockHeader?
  private var currentOffset: UInt64 = 0
  /// Where the next block starts.
  private(set) var nextOffset: UInt64 = 0
  /// The block before `nextOffset`, where it is known.
  private var previous: BlockHeader?
  private let headerBytes = ByteBuffer(capacity: BlockHeader.byteCount)
  private let loader = BlockLoader()

  init(_ file: StreamFile) { self.file = file }

  /// The content of the current block, valid until another is loaded.
  private(set) var content = UnsafeRawBufferPointer(start: nil, count: 0)

  /// The header of the next block, nil behind the last usable one.
  func peekHeader() throws(TraceError) -> BlockHeader? {
    if nextOffset >= file.usableByteCount { return nil }
    let target = headerBytes.prefix(BlockHeader.byteCount)
    guard try file.read(into: target, at: nextOffset) else { throw damage("the file has become shorter") }
    do throws(BlockHeader.Flaw) {
      let header = try BlockHeader(checking: UnsafeRawBufferPointer(target))
      guard header.stream == file.stream else { throw BlockHeader.Flaw(reason: "the block is of another stream") }
      if nextOffset == 0 || previous != nil {
        if let flaw = header.flaw(behind: previous, headerDigest: file.headerDigest) {
          throw BlockHeader.Flaw(reason: flaw)
        }
      }
      guard header.fileByteCount <= file.usableByteCount - nextOffset else {
        throw BlockHeader.Flaw(reason: "the block is longer than its stream")
      }
      return header
    } catch {
      throw damage(error.reason)
    }
  }

  /// Moves on without reading the content. Preconditions: `header` is what `peekHeader` returned.
  func skip(_ header: BlockHeader) {
    nextOffset += header.fileByteCount
    previous = header
  }

  /// Loads the next block; false behind the last usable one.
  func loadNext() throws(TraceError) -> Bool {
    current = nil
    guard let header = try peekHeader() else { return false }
    try loader.read(header, at: nextOffset, of: file)
    do throws(RecordFlaw) {
      content = try loader.content()
    } catch {
      throw file.damage(in: header, at: nextOffset, error.reason)
    }
    current = header
    currentOffset = nextOffset
    skip(header)
    return true
  }

  /// Moves to the first block at or behind `key`, of which `isBefore` isn't true any more; nothing is loaded.
  func seek(to key: UInt64, isBefore: (BlockHeader) -> Bool) throws(TraceError) {
    current = nil
    previous = nil
    nextOffset = file.index.start(for: key) ?? 0
    while let header = try peekHeader(), isBefore(header) { skip(header) }
  }

  func rewind() {
    current = nil
    previous = nil
    nextOffset = 0
  }

  /// Damage in the current block.
  func damageInCurrent(_ reason: String) -> TraceError {
    guard let current else {
      return .damaged(TraceDamage(file: file.path, block: nil, fileOffset: currentOffset, reason: reason))
    }
    return file.damage(in: current, at: currentOffset, reason)
  }

  /// Damage in a block at `nextOffset` that has no good header.
  private func damage(_ reason: String) -> TraceError {
    let sequence = previous.map { $0.sequence + 1 } ?? (nextOffset == 0 ? 0 : nil)
    return .damaged(TraceDamage(file: file.path, block: sequence, fileOffset: nextOffset, reason: reason))
  }
}
