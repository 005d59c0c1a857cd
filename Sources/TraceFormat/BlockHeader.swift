import CTraceFormat

/// The streams whose files are sequences of blocks. The raw value is the number in a block's header.
enum BlockStream: UInt32, CaseIterable {
  case events = 0
  case data = 1
  case mmaps = 2
  case tracees = 3

  var fileName: String {
    switch self {
    case .events: "events"
    case .data: "data"
    case .mmaps: "mmaps"
    case .tracees: "tracees"
    }
  }

  /// The uncompressed bytes at which the writer closes a block.
  var blockByteCount: Int {
    switch self {
    case .events: 512 << 10
    case .data: 1 << 20
    case .mmaps, .tracees: 128 << 10
    }
  }
}

/// The most uncompressed bytes of a block. Only one record that is larger than `blockByteCount` makes such a block: the
/// arguments and environment of an execve are up to 6 MiB (execve(2), "Limits on size of arguments and environment").
let blockByteCountMax = 16 << 20

extension rrs_bytes {
  init(_ buffer: UnsafeRawBufferPointer) {
    self.init(start: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: buffer.count)
  }

  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}

/// The 160 bytes before a block's content, all numbers little-endian:
///
///      0  "rrsblock"
///      8  stream                   12  flags
///     16  sequence number in the stream, from 0
///     24  stored byte count        28  uncompressed byte count
///     32  first                    40  last (see `first`)
///     48  records before this block in its stream
///     56  records in this block    60  zero
///     64  needed data bytes        72  needed mappings        80  needed tracee records
///     88  digest of the block before it in the stream; of the first block: the digest of the file `header`
///    120  digest: BLAKE2b-256 of the header up to here and the stored content
///    152  the first 8 bytes of BLAKE2b-256 of the header up to here, so that headers can be walked without contents
struct BlockHeader: Equatable {
  static let byteCount = 160
  static let digestOffset = 120
  static let checkOffset = 152
  /// "rrsblock".
  static let magic: UInt64 = 0x6b63_6f6c_6273_7272

  static let compressedFlag: UInt32 = 1
  /// The block holds the event `.end`: the trace is complete.
  static let lastFlag: UInt32 = 2

  var stream: BlockStream
  var flags: UInt32 = 0
  var sequence: UInt64 = 0
  var storedByteCount: Int = 0
  var byteCount: Int = 0
  /// Of events, mappings and tracee records: the event numbers of the first and last record. Of data: the range's
  /// logical start and end.
  var first: UInt64 = 0
  var last: UInt64 = 0
  var recordsBefore: UInt64 = 0
  var recordCount: Int = 0
  /// What the other streams must hold for this block to be usable; they were written before it.
  var neededDataByteCount: UInt64 = 0
  var neededMappingCount: UInt64 = 0
  var neededTraceeCount: UInt64 = 0
  var previousDigest = Digest()
  var digest = Digest()

  init(stream: BlockStream) { self.stream = stream }

  var isCompressed: Bool { flags & Self.compressedFlag != 0 }
  var isLast: Bool { flags & Self.lastFlag != 0 }
  /// Bytes in the file: header and content.
  var fileByteCount: UInt64 { UInt64(Self.byteCount + storedByteCount) }

  /// Writes the header, having set its digest. Preconditions: both buffers have their sizes.
  mutating func seal(into target: UnsafeMutableRawBufferPointer, content: UnsafeRawBufferPointer) {
    precondition(target.count == Self.byteCount && content.count == storedByteCount)
    target.storeBytes(of: Self.magic.littleEndian, toByteOffset: 0, as: UInt64.self)
    target.storeBytes(of: stream.rawValue.littleEndian, toByteOffset: 8, as: UInt32.self)
    target.storeBytes(of: flags.littleEndian, toByteOffset: 12, as: UInt32.self)
    target.storeBytes(of: sequence.littleEndian, toByteOffset: 16, as: UInt64.self)
    target.storeBytes(of: UInt32(storedByteCount).littleEndian, toByteOffset: 24, as: UInt32.self)
    target.storeBytes(of: UInt32(byteCount).littleEndian, toByteOffset: 28, as: UInt32.self)
    target.storeBytes(of: first.littleEndian, toByteOffset: 32, as: UInt64.self)
    target.storeBytes(of: last.littleEndian, toByteOffset: 40, as: UInt64.self)
    target.storeBytes(of: recordsBefore.littleEndian, toByteOffset: 48, as: UInt64.self)
    target.storeBytes(of: UInt32(recordCount).littleEndian, toByteOffset: 56, as: UInt32.self)
    target.storeBytes(of: 0, toByteOffset: 60, as: UInt32.self)
    target.storeBytes(of: neededDataByteCount.littleEndian, toByteOffset: 64, as: UInt64.self)
    target.storeBytes(of: neededMappingCount.littleEndian, toByteOffset: 72, as: UInt64.self)
    target.storeBytes(of: neededTraceeCount.littleEndian, toByteOffset: 80, as: UInt64.self)
    target.storeBytes(of: previousDigest.words, toByteOffset: 88, as: (UInt64, UInt64, UInt64, UInt64).self)
    digest = Digest(of: UnsafeRawBufferPointer(rebasing: target[..<Self.digestOffset]), content)
    target.storeBytes(of: digest.words, toByteOffset: Self.digestOffset, as: (UInt64, UInt64, UInt64, UInt64).self)
    let check = Digest(of: UnsafeRawBufferPointer(rebasing: target[..<Self.checkOffset])).words.0
    target.storeBytes(of: check, toByteOffset: Self.checkOffset, as: UInt64.self)
  }

  /// Why bytes are no block header.
  struct Flaw: Error {
    var reason: String
  }

  /// Reads a header and checks all that can be checked without its content. Preconditions: the buffer has its size.
  init(checking source: UnsafeRawBufferPointer) throws(Flaw) {
    precondition(source.count == Self.byteCount)
    guard source.loadUnaligned(fromByteOffset: 0, as: UInt64.self).littleEndian == Self.magic else {
      throw Flaw(reason: "there is no block here")
    }
    let check = Digest(of: UnsafeRawBufferPointer(rebasing: source[..<Self.checkOffset])).words.0
    guard source.loadUnaligned(fromByteOffset: Self.checkOffset, as: UInt64.self) == check else {
      throw Flaw(reason: "the block's header doesn't agree with its checksum")
    }
    func number(_ offset: Int) -> UInt64 { source.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian }
    func short(_ offset: Int) -> UInt32 { source.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian }
    guard let stream = BlockStream(rawValue: short(8)), short(12) & ~(Self.compressedFlag | Self.lastFlag) == 0 else {
      throw Flaw(reason: "the block is of an unknown kind")
    }
    self.stream = stream
    flags = short(12)
    sequence = number(16)
    storedByteCount = Int(short(24))
    byteCount = Int(short(28))
    first = number(32)
    last = number(40)
    recordsBefore = number(48)
    recordCount = Int(short(56))
    neededDataByteCount = number(64)
    neededMappingCount = number(72)
    neededTraceeCount = number(80)
    previousDigest = Digest(loadingFrom: source.baseAddress! + 88)
    digest = Digest(loadingFrom: source.baseAddress! + Self.digestOffset)
    guard byteCount > 0, byteCount <= blockByteCountMax, storedByteCount > 0, storedByteCount <= byteCount,
      isCompressed || storedByteCount == byteCount, hasConsistentRecords
    else { throw Flaw(reason: "the block's sizes are impossible") }
  }

  private var hasConsistentRecords: Bool {
    switch stream {
    case .events: recordCount > 0 && first > 0 && last >= first && last - first == UInt64(recordCount - 1)
      && recordsBefore == first - 1
    case .data: last > first && last - first == UInt64(byteCount) && recordsBefore == first
    case .mmaps, .tracees: recordCount > 0 && last >= first
    }
  }

  /// Whether content and header belong together. Preconditions: `header` holds this header's bytes.
  func agrees(headerBytes: UnsafeRawBufferPointer, content: UnsafeRawBufferPointer) -> Bool {
    content.count == storedByteCount
      && Digest(of: UnsafeRawBufferPointer(rebasing: headerBytes[..<Self.digestOffset]), content) == digest
  }

  /// Why this header can't stand behind `previous` in one stream, nil if it can.
  func flaw(behind previous: BlockHeader?, headerDigest: Digest) -> String? {
    if sequence != (previous.map { $0.sequence + 1 } ?? 0) { return "a block is missing, or out of order" }
    if previousDigest != (previous?.digest ?? headerDigest) {
      return "the block doesn't follow the one before it: their digests differ"
    }
    let records = previous.map { $0.recordsBefore + UInt64($0.stream == .data ? $0.byteCount : $0.recordCount) } ?? 0
    let isContinuous =
      switch stream {
      case .events: first == (previous?.last ?? 0) + 1
      case .data: first == (previous?.last ?? 0)
      case .mmaps, .tracees: first >= (previous?.last ?? 0)
      }
    return isContinuous && recordsBefore == records ? nil : "the block's records don't follow those before it"
  }
}

extension BlockHeader {
  /// Sets the stored size and the flag; returns what is to be stored.
  mutating func compress(_ content: [UInt8], _ compressor: OpaquePointer) -> [UInt8] {
    let capacity = rrs_compress_bound(content.count)
    let compressed = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
      count = content.withUnsafeBytes {
        rrs_compress(compressor, rrs_bytes($0), target.baseAddress!, capacity)
      }
    }
    let isSmaller = !compressed.isEmpty && compressed.count < content.count
    flags = isSmaller ? flags | Self.compressedFlag : flags & ~Self.compressedFlag
    storedByteCount = isSmaller ? compressed.count : content.count
    return isSmaller ? compressed : content
  }
}
