import CTraceFormat

/// Reads a stream's blocks one after the other, and keeps the current one's content.
final class BlockCursor {
  let file: StreamFile
  /// The block whose content is loaded.
  private(set) var current: BlockHeader?
  private var currentOffset: UInt64 = 0
  private var nextOffset: UInt64 = 0
  /// The block before `nextOffset`, where it is known.
  private var previous: BlockHeader?
  private let headerBytes = ByteBuffer(capacity: BlockHeader.byteCount)
  private let stored = ByteBuffer(capacity: 0)
  private let plain = ByteBuffer(capacity: 0)
  private let decompressor: OpaquePointer

  init(_ file: StreamFile) {
    self.file = file
    guard let decompressor = rrs_decompressor_create() else { preconditionFailure("out of memory") }
    self.decompressor = decompressor
  }

  deinit { rrs_decompressor_destroy(decompressor) }

  /// The content of the current block, valid until another is loaded.
  var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(plain.prefix(current?.byteCount ?? 0)) }

  /// The header of the next block, nil behind the last usable one.
  func peekHeader() throws(TraceError) -> BlockHeader? {
    if nextOffset >= file.usableByteCount { return nil }
    let target = headerBytes.prefix(BlockHeader.byteCount)
    guard try file.read(into: target, at: nextOffset) else { throw damage(nil, "the file has become shorter") }
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
      throw damage(nil, error.reason)
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
    stored.reserve(header.storedByteCount)
    let content = stored.prefix(header.storedByteCount)
    guard try file.read(into: content, at: nextOffset + UInt64(BlockHeader.byteCount)) else {
      throw damage(header, "the file has become shorter")
    }
    let source = UnsafeRawBufferPointer(content)
    let headerSource = UnsafeRawBufferPointer(headerBytes.prefix(BlockHeader.byteCount))
    guard header.agrees(headerBytes: headerSource, content: source) else {
      throw damage(header, "the block's content doesn't agree with its digest")
    }
    plain.reserve(header.byteCount)
    let target = plain.prefix(header.byteCount)
    if header.isCompressed {
      let bytes = target.baseAddress!.assumingMemoryBound(to: UInt8.self)
      guard rrs_decompress(decompressor, rrs_bytes(source), bytes, header.byteCount) else {
        throw damage(header, "the block can't be decompressed")
      }
    } else {
      target.copyMemory(from: source)
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
    .damaged(
      TraceDamage(
        file: file.path, block: current?.sequence, fileOffset: currentOffset, events: current.flatMap(Self.events),
        reason: reason))
  }

  /// Damage in the block at `nextOffset`.
  private func damage(_ header: BlockHeader?, _ reason: String) -> TraceError {
    let sequence = header?.sequence ?? previous.map { $0.sequence + 1 } ?? (nextOffset == 0 ? 0 : nil)
    return .damaged(
      TraceDamage(
        file: file.path, block: sequence, fileOffset: nextOffset, events: header.flatMap(Self.events), reason: reason))
  }

  private static func events(_ header: BlockHeader) -> ClosedRange<UInt64>? {
    header.stream == .data ? nil : header.first...header.last
  }
}
