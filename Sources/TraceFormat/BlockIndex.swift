import CTraceFormat
import Glibc
import SystemPackage

/// The file `index`: a copy of each block's header, in the order in which blocks were written.
enum BlockIndex {
  static let fileName = "index"

  /// Every entry of the index must be the header of the block that it stands for. What isn't so, nil where all is well.
  static func problem(_ storage: TraceStorage, files: [BlockStream: StreamFile], isCutShort: Bool) -> TraceError? {
    let path = storage.path + "/" + fileName
    do throws(TraceError) {
      try check(storage, path, files, isCutShort)
      return nil
    } catch {
      if case .system(_, _, .noSuchFileOrDirectory) = error { return damage(path, 0, "the file is missing") }
      return error
    }
  }

  private static func check(
    _ storage: TraceStorage, _ path: String, _ files: [BlockStream: StreamFile], _ isCutShort: Bool
  ) throws(TraceError) {
    let bytes = ByteBuffer(capacity: BlockHeader.byteCount)
    let other = ByteBuffer(capacity: BlockHeader.byteCount)
    var offsets: [BlockStream: UInt64] = [:]
    var position: UInt64 = 0
    let index = try storage.open(fileName)
    while true {
      let target = bytes.prefix(BlockHeader.byteCount)
      let count = try index.read(into: target, at: position)
      if count == 0 { break }
      // The recorder was stopped while it wrote: the entries that are missing are made from the streams.
      if count < BlockHeader.byteCount, isCutShort { break }
      guard count == BlockHeader.byteCount, let header = try? BlockHeader(checking: UnsafeRawBufferPointer(target)),
        let file = files[header.stream]
      else { throw damage(path, position, "this is no entry of an index") }
      let offset = offsets[header.stream] ?? 0
      let twin = other.prefix(BlockHeader.byteCount)
      // Blocks that are gone or damaged are reported with their stream.
      if offset < file.usableByteCount, try file.read(into: twin, at: offset), !twin.elementsEqual(target) {
        throw damage(path, position, "the entry isn't the header of block \(header.sequence) of '\(file.path)'")
      }
      offsets[header.stream] = offset + header.fileByteCount
      position += UInt64(BlockHeader.byteCount)
    }
    if !isCutShort, files.contains(where: { offsets[$0.key] ?? 0 != $0.value.usableByteCount }) {
      throw damage(path, position, "entries are missing")
    }
  }

  private static func damage(_ path: String, _ offset: UInt64, _ reason: String) -> TraceError {
    .damaged(
      TraceDamage(
        file: path, block: nil, fileOffset: offset, reason: reason + " (the trace can be read without its index)"))
  }
}

extension BlockIndex {
  /// Makes the file anew from the streams.
  static func rebuild(directory: String, headerDigest: Digest) throws(TraceError) {
    let path = directory + "/" + fileName
    let new = directory + "/.index.new"
    try removeTree(new)
    let index = try TraceFile(creating: new)
    var position: UInt64 = 0
    for stream in [BlockStream.data, .mmaps, .tracees, .events] {
      let file = try StreamFile(directory: directory, stream: stream, headerDigest: headerDigest)
      try file.scan { (bytes, _) throws(TraceError) in
        try index.write(bytes, at: position)
        position += UInt64(bytes.count)
      }
    }
    try index.synchronize()
    if rename(new, path) != 0 { throw TraceFile.error("create", path) }
  }
}

/// Where blocks start, with a bounded number of entries: where there are more blocks, only every 2nd, 4th, ... has one.
struct SparseIndex {
  struct Entry {
    var first: UInt64
    var offset: UInt64
  }

  private static let entryCountMax = 1 << 15

  private(set) var entries: [Entry] = []
  private var stride: UInt64 = 1

  mutating func add(_ header: BlockHeader, offset: UInt64) {
    guard header.sequence % stride == 0 else { return }
    entries.append(Entry(first: header.first, offset: offset))
    if entries.count < Self.entryCountMax { return }
    entries = entries.enumerated().compactMap { $0.offset % 2 == 0 ? $0.element : nil }
    stride *= 2
  }

  /// The offset of a block at which a search for the first record at or behind `key` can start.
  func start(for key: UInt64) -> UInt64? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].first < key { low = middle + 1 } else { high = middle }
    }
    // The block before: several blocks can start at the same event.
    return entries.isEmpty ? nil : entries[max(0, low - 1)].offset
  }
}

/// A stream's file and the blocks in it, as far as they follow each other without a flaw in their headers.
final class StreamFile {
  /// What comes behind the last usable block.
  enum Ending {
    /// The file ends there.
    case whole
    /// An unfinished block: the recorder was stopped while it wrote.
    case unfinished
    case damaged(TraceDamage)
  }

  let stream: BlockStream
  let path: String
  let headerDigest: Digest
  private let file: TraceFile
  let byteCount: UInt64
  private(set) var index = SparseIndex()
  private(set) var lastHeader: BlockHeader?
  /// The bytes of the usable blocks.
  private(set) var usableByteCount: UInt64 = 0
  private(set) var ending = Ending.whole

  convenience init(directory: String, stream: BlockStream, headerDigest: Digest) throws(TraceError) {
    try self.init(try TraceStorage(path: directory), stream: stream, headerDigest: headerDigest)
  }

  init(_ storage: TraceStorage, stream: BlockStream, headerDigest: Digest) throws(TraceError) {
    self.stream = stream
    self.headerDigest = headerDigest
    path = storage.path + "/" + stream.fileName
    file = try storage.open(stream.fileName)
    byteCount = try file.size()
  }

  /// Takes a block of the index for granted if it is one that can stand here; it is checked again when it is read.
  func acceptFromIndex(_ header: BlockHeader) -> Bool {
    guard flaw(of: header) == nil, header.fileByteCount <= byteCount - usableByteCount else { return false }
    add(header)
    return true
  }

  /// Walks the headers of the blocks that the index doesn't have. `visit` is given their bytes.
  func scan(
    visit: (UnsafeRawBufferPointer, BlockHeader) throws(TraceError) -> Void = { _, _ in }
  ) throws(TraceError) {
    let bytes = ByteBuffer(capacity: BlockHeader.byteCount)
    if try !isIndexOfThisFile(bytes.prefix(BlockHeader.byteCount)) {
      index = SparseIndex()
      usableByteCount = 0
      lastHeader = nil
    }
    while usableByteCount < byteCount {
      let remaining = byteCount - usableByteCount
      let target = bytes.prefix(BlockHeader.byteCount)
      guard remaining >= UInt64(BlockHeader.byteCount), try read(into: target, at: usableByteCount) else {
        ending = .unfinished
        return
      }
      let header: BlockHeader
      do throws(BlockHeader.Flaw) {
        header = try BlockHeader(checking: UnsafeRawBufferPointer(target))
      } catch {
        // Some file systems fill what had no time to reach the disk with zeros.
        ending = target.allSatisfy { $0 == 0 } ? .unfinished : .damaged(damage(error.reason))
        return
      }
      if let flaw = flaw(of: header) {
        ending = .damaged(damage(flaw))
        return
      }
      guard header.fileByteCount <= remaining else {
        ending = .unfinished
        return
      }
      add(header)
      try visit(UnsafeRawBufferPointer(target), header)
    }
  }

  /// Digests run: where the last header that the index gave is in the file, all before it are. An index that is older
  /// than its stream is of no use.
  private func isIndexOfThisFile(_ target: UnsafeMutableRawBufferPointer) throws(TraceError) -> Bool {
    guard let lastHeader else { return true }
    guard try read(into: target, at: usableByteCount - lastHeader.fileByteCount) else { return false }
    return (try? BlockHeader(checking: UnsafeRawBufferPointer(target))) == lastHeader
  }

  /// The digest of the stream up to here; nil where no block ends. Preconditions: nothing was scanned.
  func digest(at offset: UInt64) throws(TraceError) -> Digest? {
    var digest = offset == 0 ? headerDigest : nil
    try scan { _, header in
      if usableByteCount == offset { digest = header.digest }
    }
    return digest
  }

  private func flaw(of header: BlockHeader) -> String? {
    if header.stream != stream { return "the block is of another stream" }
    return header.flaw(behind: lastHeader, headerDigest: headerDigest)
  }

  private func add(_ header: BlockHeader) {
    index.add(header, offset: usableByteCount)
    usableByteCount += header.fileByteCount
    lastHeader = header
  }

  /// Of what lies behind the usable blocks.
  private func damage(_ reason: String) -> TraceDamage {
    TraceDamage(
      file: path, block: (lastHeader?.sequence).map { $0 + 1 } ?? 0, fileOffset: usableByteCount, reason: reason)
  }

  /// Damage in a block whose header is good.
  func damage(in header: BlockHeader, at offset: UInt64, _ reason: String) -> TraceError {
    .damaged(
      TraceDamage(
        file: path, block: header.sequence, fileOffset: offset,
        events: stream == .data ? nil : header.first...header.last, reason: reason))
  }

  /// Tells the kernel that these bytes will be read soon.
  func prepareToRead(at offset: UInt64, byteCount: UInt64) { file.prepareToRead(at: offset, byteCount: byteCount) }

  /// Reads exactly the buffer's size; false where the file is shorter.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(TraceError) -> Bool {
    try file.read(into: buffer, at: offset) == buffer.count
  }

  /// Records (of data: bytes) in the usable blocks.
  var recordCount: UInt64 {
    guard let lastHeader else { return 0 }
    return stream == .data ? lastHeader.last : lastHeader.recordsBefore + UInt64(lastHeader.recordCount)
  }
}
