import CTraceFormat

/// A stream as it will be: its file up to an offset, and blocks that follow there.
struct StreamTail {
  let stream: BlockStream
  /// The kept blocks' bytes in the file.
  private(set) var offset: UInt64 = 0
  /// The digest of the last kept block; of the header file where there is none.
  private(set) var keptDigest: Digest
  /// The blocks that follow.
  private(set) var bytes: [UInt8] = []
  /// Records; bytes of the data stream.
  private(set) var recordCount: UInt64 = 0
  private(set) var isEnded = false
  /// What events can count on in the other streams.
  var needs: (data: UInt64, mappings: UInt64, tracees: UInt64) = (0, 0, 0)
  private var blockCount: UInt64 = 0
  private var lastDigest: Digest

  init(_ stream: BlockStream, headerDigest: Digest) {
    self.stream = stream
    keptDigest = headerDigest
    lastDigest = headerDigest
  }

  /// Preconditions: it is the next block in the file, and nothing was added.
  mutating func keep(_ header: BlockHeader) {
    precondition(header.sequence == blockCount && bytes.isEmpty, "blocks are kept from the start on")
    offset += header.fileByteCount
    keptDigest = header.digest
    note(header)
  }

  private mutating func note(_ header: BlockHeader) {
    lastDigest = header.digest
    blockCount += 1
    recordCount = header.recordsBefore + UInt64(stream == .data ? header.byteCount : header.recordCount)
    isEnded = header.isLast
  }

  func meetsNeeds(of header: BlockHeader) -> Bool {
    header.neededDataByteCount <= needs.data && header.neededMappingCount <= needs.mappings
      && header.neededTraceeCount <= needs.tracees
  }

  /// Adds a block of these records, given by their events. Without any, nothing.
  mutating func add(records: [UInt64], _ content: UnsafeRawBufferPointer, isLast: Bool = false) {
    guard let first = records.first, let last = records.last else { return }
    var header = BlockHeader(stream: stream)
    header.sequence = blockCount
    header.flags = isLast ? BlockHeader.lastFlag : 0
    header.byteCount = content.count
    header.first = first
    header.last = last
    header.recordsBefore = recordCount
    header.recordCount = records.count
    header.neededDataByteCount = needs.data
    header.neededMappingCount = needs.mappings
    header.neededTraceeCount = needs.tracees
    header.previousDigest = lastDigest
    guard let compressor = rrs_compressor_create(BlockPipeline.compressionLevel) else {
      preconditionFailure("out of memory")
    }
    defer { rrs_compressor_destroy(compressor) }
    let stored = header.compress(Array(content), compressor)
    let headerBuffer = ByteBuffer(capacity: BlockHeader.byteCount)
    let headerBytes = headerBuffer.prefix(BlockHeader.byteCount)
    stored.withUnsafeBytes { header.seal(into: headerBytes, content: $0) }
    bytes += headerBytes
    bytes += stored
    note(header)
  }
}

/// The end of a stream's file that doesn't stay as it is.
package struct StreamCut: Sendable {
  package var stream: String
  /// From where on, and how long the file was.
  package var offset: UInt64
  package var byteCount: UInt64
}
