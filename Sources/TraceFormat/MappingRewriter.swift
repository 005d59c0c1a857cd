import CTraceFormat
import Glibc
import SystemPackage

/// Changes the mapping records of a trace that nobody is writing: their number, their events, and the blocks that hold
/// them stay. At every moment the directory holds a trace: the new stream takes the old one's place at once, and an
/// index that is older than its stream is ignored.
package struct MappingRewriter {
  private let directory: String
  private let streams: [StreamFile]
  private let mmaps: StreamFile

  /// Throws where the streams are damaged, as far as their headers tell, or about to be changed by a recovery.
  package init(directory: String) throws(TraceError) {
    if RecoveryPlan.isPending(directory: directory) { throw .inRecovery(directory: directory) }
    self.directory = directory
    let digest = try HeaderFile.read(directory: directory).digest
    var streams: [StreamFile] = []
    for stream in BlockStream.allCases {
      let file = try StreamFile(directory: directory, stream: stream, headerDigest: digest)
      try file.scan()
      if case .damaged(let damage) = file.ending { throw .damaged(damage) }
      streams.append(file)
    }
    self.streams = streams
    mmaps = streams[Int(BlockStream.mmaps.rawValue)]
  }

  package func forEach(_ body: (MappingRecord) -> Void) throws(TraceError) {
    let cursor = RecordCursor<MappingRecord>(file: mmaps, lastEvent: .max, dataByteCount: .max) {
      (decoder, bytes) throws(RecordFlaw) in try decoder.mapping(in: bytes)
    }
    while let record = try cursor.next() { body(record) }
  }

  /// Names that only this makes, in the trace's directory: what an interruption leaves of them is of no use.
  private static let temporaryNames = [".mmaps.new", ".index.new"]

  /// What an interrupted rewriting left.
  package func removeLeftovers() { for name in Self.temporaryNames { unlink(directory + "/" + name) } }

  /// Writes the stream where a record changes, and the index where it isn't that of the streams. Returns whether
  /// anything was written.
  @discardableResult
  package func rewrite(_ transform: (MappingRecord) -> MappingRecord) throws(TraceError) -> Bool {
    var changes = false
    try forEach { if transform($0) != $0 { changes = true } }
    do throws(TraceError) {
      let headers = changes ? try writeStream(transform) : try headers(of: mmaps)
      let index = try indexBytes(mappingHeaders: headers)
      let indexChanges = try currentIndex() != index
      if indexChanges { try write(index, to: directory + "/.index.new") }
      if changes { try replace(mmaps.path, by: directory + "/.mmaps.new") }
      if indexChanges { try replace(indexPath, by: directory + "/.index.new") }
      if changes || indexChanges { try synchronizeDirectory(directory) }
      return changes || indexChanges
    } catch {
      removeLeftovers()
      throw error
    }
  }

  private func replace(_ path: String, by temporary: String) throws(TraceError) {
    if rename(temporary, path) != 0 { throw TraceFile.error("replace", path) }
  }

  private func write(_ bytes: [UInt8], to path: String) throws(TraceError) {
    let file = try TraceFile(creating: path)
    try file.write(bytes, at: 0)
    try file.synchronize()
  }

  // MARK: - The stream

  /// Writes `.mmaps.new` and returns its headers, one after the other.
  private func writeStream(_ transform: (MappingRecord) -> MappingRecord) throws(TraceError) -> [UInt8] {
    let output = try TraceFile(creating: directory + "/.mmaps.new")
    let blocks = BlockCursor(mmaps)
    let decoder = RecordDecoder()
    let encoder = RecordEncoder()
    guard let compressor = rrs_compressor_create(BlockPipeline.compressionLevel) else {
      preconditionFailure("out of memory")
    }
    defer { rrs_compressor_destroy(compressor) }
    var headers: [UInt8] = []
    var position: UInt64 = 0
    var digest = mmaps.headerDigest
    while try blocks.loadNext(), var header = blocks.current {
      let content = try newContent(blocks, decoder, encoder, transform)
      header.byteCount = content.count
      header.previousDigest = digest
      let headerBytes = ByteBuffer(capacity: BlockHeader.byteCount)
      let target = headerBytes.prefix(BlockHeader.byteCount)
      let stored = header.compress(content, compressor)
      stored.withUnsafeBytes { header.seal(into: target, content: $0) }
      try output.write(UnsafeRawBufferPointer(target), at: position)
      try output.write(stored, at: position + UInt64(BlockHeader.byteCount))
      headers += target
      position += header.fileByteCount
      digest = header.digest
    }
    try output.synchronize()
    return headers
  }

  private func newContent(
    _ blocks: BlockCursor, _ decoder: RecordDecoder, _ encoder: RecordEncoder,
    _ transform: (MappingRecord) -> MappingRecord
  ) throws(TraceError) -> [UInt8] {
    var content: [UInt8] = []
    var rest = blocks.content
    while !rest.isEmpty {
      do throws(RecordFlaw) {
        let (record, byteCount) = try decoder.mapping(in: rest)
        content += encoder.encode(transform(record))
        rest = UnsafeRawBufferPointer(rebasing: rest[byteCount...])
      } catch {
        throw blocks.damageInCurrent(error.reason)
      }
    }
    guard content.count <= blockByteCountMax else {
      throw .recordTooLarge(stream: BlockStream.mmaps.fileName, byteCount: content.count)
    }
    return content
  }

  // MARK: - The index

  private var indexPath: String { directory + "/" + BlockIndex.fileName }

  private func headers(of file: StreamFile) throws(TraceError) -> [UInt8] {
    let bytes = ByteBuffer(capacity: BlockHeader.byteCount)
    let target = bytes.prefix(BlockHeader.byteCount)
    var headers: [UInt8] = []
    var offset: UInt64 = 0
    while offset < file.usableByteCount {
      guard try file.read(into: target, at: offset),
        let header = try? BlockHeader(checking: UnsafeRawBufferPointer(target))
      else { throw .damaged(TraceDamage(file: file.path, block: nil, fileOffset: offset, reason: "it is changing")) }
      headers += target
      offset += header.fileByteCount
    }
    return headers
  }

  /// Nil where there is none.
  private func currentIndex() throws(TraceError) -> [UInt8]? {
    do throws(TraceError) {
      let file = try TraceFile(reading: indexPath)
      let bytes = ByteBuffer(capacity: Int(try file.size()))
      let count = try file.read(into: bytes.prefix(bytes.capacity), at: 0)
      return Array(bytes.prefix(count))
    } catch {
      if case .system(_, _, .noSuchFileOrDirectory) = error { return nil }
      throw error
    }
  }

  /// The headers of all blocks, in the order of the index as it is; what that lacks comes behind.
  private func indexBytes(mappingHeaders: [UInt8]) throws(TraceError) -> [UInt8] {
    var remaining: [[UInt8].SubSequence] = []
    for file in streams { remaining.append((file.stream == .mmaps ? mappingHeaders : try headers(of: file))[...]) }
    var index: [UInt8] = []
    var sequences = streams.map { _ in UInt64(0) }
    func take(_ stream: Int) {
      index += remaining[stream].prefix(BlockHeader.byteCount)
      remaining[stream] = remaining[stream].dropFirst(BlockHeader.byteCount)
      sequences[stream] += 1
    }
    var old = try currentIndex() ?? []
    old.removeLast(old.count % BlockHeader.byteCount)
    for start in stride(from: 0, to: old.count, by: BlockHeader.byteCount) {
      let entry = old[start..<start + BlockHeader.byteCount]
      guard let header = entry.withUnsafeBytes({ try? BlockHeader(checking: $0) }) else { break }
      let stream = Int(header.stream.rawValue)
      guard header.sequence == sequences[stream], !remaining[stream].isEmpty else { break }
      take(stream)
    }
    for stream in [BlockStream.data, .mmaps, .tracees, .events] {
      while !remaining[Int(stream.rawValue)].isEmpty { take(Int(stream.rawValue)) }
    }
    return index
  }
}
