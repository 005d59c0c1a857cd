import CTraceFormat

/// Reads, checks and decompresses blocks, one at a time, into memory of its own.
final class BlockLoader {
  private let stored = ByteBuffer(capacity: 0)
  private let plain = ByteBuffer(capacity: 0)
  private let decompressor: OpaquePointer
  private var header: BlockHeader?

  init() {
    guard let decompressor = rrs_decompressor_create() else { preconditionFailure("out of memory") }
    self.decompressor = decompressor
  }

  deinit { rrs_decompressor_destroy(decompressor) }

  /// Reads a block and checks its digest. Preconditions: `header` was read at `offset`.
  func read(_ header: BlockHeader, at offset: UInt64, of file: StreamFile) throws(TraceError) {
    self.header = nil
    // With the header once more: the digest covers it, and one call reads both.
    let byteCount = Int(header.fileByteCount)
    stored.reserve(byteCount)
    let bytes = stored.prefix(byteCount)
    guard try file.read(into: bytes, at: offset) else {
      throw file.damage(in: header, at: offset, "the file has become shorter")
    }
    let source = UnsafeRawBufferPointer(rebasing: bytes[BlockHeader.byteCount...])
    guard header.agrees(headerBytes: UnsafeRawBufferPointer(bytes), content: source) else {
      throw file.damage(in: header, at: offset, "the block's content doesn't agree with its digest")
    }
    self.header = header
  }

  /// The content of the block that was read last, valid until the next call. Preconditions: there is one.
  func content() throws(RecordFlaw) -> UnsafeRawBufferPointer {
    guard let header else { preconditionFailure("no block was read") }
    let source = UnsafeRawBufferPointer(
      rebasing: stored.prefix(Int(header.fileByteCount))[BlockHeader.byteCount...])
    if !header.isCompressed { return source }
    plain.reserve(header.byteCount)
    let target = plain.prefix(header.byteCount)
    let start = target.baseAddress!.assumingMemoryBound(to: UInt8.self)
    guard rrs_decompress(decompressor, rrs_bytes(source), start, header.byteCount) else {
      throw RecordFlaw(reason: "the block can't be decompressed")
    }
    return UnsafeRawBufferPointer(target)
  }
}
