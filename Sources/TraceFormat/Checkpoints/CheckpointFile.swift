import CTraceFormat
import Glibc
import KernelABI
import SystemPackage

/// The file of a persistent checkpoint: 96 bytes, the message of its place, and its other messages, compressed with
/// zstd. All numbers are little-endian:
///
///      0  "rrscheck"
///      8  version, 1               12  byte count of the place's message
///     16  stored byte count of the others
///     24  uncompressed byte count of the others
///     32  BLAKE2b-256 of the others as they are stored
///     64  BLAKE2b-256 of the 64 bytes before it and the place's message
///     96  the place's message
enum CheckpointFile {
  private static let version: UInt32 = 1
  private static let prefixByteCount = 96
  /// "rrscheck".
  private static let magic: UInt64 = 0x6b63_6568_6373_7272
  /// More than this isn't believed: 64 GiB of memory whose every page stands alone have fewer.
  private static let byteCountMax: UInt64 = 1 << 30

  // MARK: - Writing

  /// The bytes of a checkpoint's file. Preconditions: its id and its state hash are set.
  static func encode(_ checkpoint: SavedCheckpoint, traceUUID: [UInt8]) throws(TraceError) -> [UInt8] {
    let coder = SavedRecordCoder()
    let place = coder.encode(checkpoint.place, traceUUID: traceUUID)
    var content: [UInt8] = []
    coder.forEachMessage(checkpoint) { content += $0 }
    guard let compressor = rrs_compressor_create(3), !place.isEmpty else {
      throw .system(operation: "encode", path: "a checkpoint", errno: .noMemory)
    }
    defer { rrs_compressor_destroy(compressor) }
    let capacity = rrs_compress_bound(content.count)
    let stored = content.withUnsafeBytes { source in
      [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
        count = rrs_compress(
          compressor, rrs_bytes(source), target.baseAddress.unsafelyUnwrapped, target.count)
      }
    }
    var bytes: [UInt8] = []
    func add<T: FixedWidthInteger>(_ value: T) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    add(magic)
    add(version)
    add(UInt32(place.count))
    add(UInt64(stored.count))
    add(UInt64(content.count))
    bytes += stored.withUnsafeBytes { Digest(of: $0) }.bytes
    bytes += bytes.withUnsafeBytes { head in place.withUnsafeBytes { Digest(of: head, $0) } }.bytes
    return bytes + place + stored
  }

  /// BLAKE2b-256 over all messages behind the place's, one after the other: of 32 zero bytes and the first message,
  /// then of that and the next one. In them, places of pages are replaced by the pages' digests.
  static func stateHash(_ checkpoint: SavedCheckpoint) -> [UInt8] {
    var digest = Digest()
    SavedRecordCoder().forEachMessage(checkpoint, withDigests: true) { message in
      digest = withUnsafeBytes(of: digest.words) { before in message.withUnsafeBytes { Digest(of: before, $0) } }
    }
    return digest.bytes
  }

  // MARK: - Reading

  /// Where a checkpoint is, from the file's beginning.
  static func readPlace(_ file: borrowing TraceFile, traceUUID: [UInt8]) throws(TraceError) -> SavedPlace {
    try Beginning(file, traceUUID).place
  }

  static func read(_ file: borrowing TraceFile, traceUUID: [UInt8]) throws(TraceError) -> SavedCheckpoint {
    let path = file.path
    let beginning = try Beginning(file, traceUUID)
    guard beginning.storedByteCount <= byteCountMax, beginning.byteCount <= byteCountMax else {
      throw damage(path, 0, "its sizes are impossible")
    }
    let stored = ByteBuffer(capacity: Int(beginning.storedByteCount))
    defer { withExtendedLifetime(stored) {} }
    let source = stored.prefix(Int(beginning.storedByteCount))
    guard try file.read(into: source, at: beginning.end) == source.count,
      Digest(of: UnsafeRawBufferPointer(source)) == beginning.contentDigest
    else { throw damage(path, beginning.end, "it doesn't agree with its digest") }
    let content = ByteBuffer(capacity: Int(beginning.byteCount))
    defer { withExtendedLifetime(content) {} }
    guard let decompressor = rrs_decompressor_create() else { preconditionFailure("out of memory") }
    defer { rrs_decompressor_destroy(decompressor) }
    let isWhole = rrs_decompress(
      decompressor, rrs_bytes(UnsafeRawBufferPointer(source)),
      content.start.assumingMemoryBound(to: UInt8.self), Int(beginning.byteCount))
    guard isWhole else { throw damage(path, beginning.end, "it can't be unpacked") }
    do throws(RecordFlaw) {
      return try SavedRecordCoder().decode(
        UnsafeRawBufferPointer(content.prefix(Int(beginning.byteCount))), place: beginning.place)
    } catch {
      throw damage(path, beginning.end, error.reason)
    }
  }

  private struct Beginning {
    var place: SavedPlace
    var storedByteCount: UInt64
    var byteCount: UInt64
    var contentDigest: Digest
    /// Where the others begin.
    var end: UInt64

    init(_ file: borrowing TraceFile, _ traceUUID: [UInt8]) throws(TraceError) {
      let path = file.path
      let buffer = ByteBuffer(capacity: prefixByteCount)
      defer { withExtendedLifetime(buffer) {} }
      let head = buffer.prefix(prefixByteCount)
      guard try file.read(into: head, at: 0) == head.count,
        head.load(fromByteOffset: 0, as: UInt64.self).littleEndian == magic
      else { throw damage(path, 0, "it is no checkpoint") }
      let found = head.load(fromByteOffset: 8, as: UInt32.self).littleEndian
      guard found == version else { throw damage(path, 8, "version \(found) of checkpoints isn't known here") }
      let count = Int(head.load(fromByteOffset: 12, as: UInt32.self).littleEndian)
      guard count > 0, count <= blockByteCountMax else { throw damage(path, 12, "its sizes are impossible") }
      storedByteCount = head.load(fromByteOffset: 16, as: UInt64.self).littleEndian
      byteCount = head.load(fromByteOffset: 24, as: UInt64.self).littleEndian
      contentDigest = Digest(loadingFrom: head.baseAddress.unsafelyUnwrapped + 32)
      end = UInt64(prefixByteCount + count)
      let message = ByteBuffer(capacity: count)
      defer { withExtendedLifetime(message) {} }
      let bytes = UnsafeRawBufferPointer(message.prefix(count))
      guard try file.read(into: message.prefix(count), at: UInt64(prefixByteCount)) == count,
        Digest(of: UnsafeRawBufferPointer(rebasing: head[..<64]), bytes)
          == Digest(loadingFrom: head.baseAddress.unsafelyUnwrapped + 64)
      else { throw damage(path, 0, "its beginning doesn't agree with its digest") }
      do throws(RecordFlaw) {
        let (place, uuid) = try SavedRecordCoder().place(in: bytes)
        guard uuid == traceUUID else { throw RecordFlaw(reason: "it belongs to another trace") }
        self.place = place
      } catch {
        throw damage(path, UInt64(prefixByteCount), error.reason)
      }
    }
  }

  private static func damage(_ path: String, _ offset: UInt64, _ reason: String) -> TraceError {
    .damaged(TraceDamage(file: path, block: nil, fileOffset: offset, reason: reason))
  }
}
