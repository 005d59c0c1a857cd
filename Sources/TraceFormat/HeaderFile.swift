import CTraceFormat
import Glibc
import SystemPackage

/// The version of the trace format that this rrs writes, and the only one it reads.
package let traceFormatVersion: UInt32 = 1

/// The file `header`: 80 bytes whose layout no format version changes, and one message.
///
///      0  "rrstrace"
///      8  format version           12  byte count of the message
///     16  the program and version that wrote the trace, 32 bytes, filled up with NUL
///     48  digest: BLAKE2b-256 of the 48 bytes before it and the message
///     80  the message
enum HeaderFile {
  static let fileName = "header"
  static let prefixByteCount = 80
  static let digestOffset = 48
  static let writerOffset = 16
  /// "rrstrace".
  static let magic: UInt64 = 0x6563_6172_7473_7272

  private static func temporaryPath(_ directory: String) -> String { directory + "/.header.new" }

  /// Writes the file under a name that no reader looks for, and returns its digest. `publish` makes it the header: with
  /// it, the directory is a trace.
  static func prepare(_ header: TraceHeader, directory: String) throws(TraceError) -> Digest {
    let coder = RecordEncoder()
    let message = coder.encode(header)
    guard message.count > 0, message.count <= blockByteCountMax else {
      throw .recordTooLarge(stream: fileName, byteCount: message.count)
    }
    let bytes = ByteBuffer(capacity: prefixByteCount + message.count)
    let target = bytes.prefix(prefixByteCount + message.count)
    target.initializeMemory(as: UInt8.self, repeating: 0)
    target.storeBytes(of: magic.littleEndian, toByteOffset: 0, as: UInt64.self)
    target.storeBytes(of: traceFormatVersion.littleEndian, toByteOffset: 8, as: UInt32.self)
    target.storeBytes(of: UInt32(message.count).littleEndian, toByteOffset: 12, as: UInt32.self)
    for (index, byte) in "rrs \(header.rrsVersion)".utf8.prefix(digestOffset - writerOffset).enumerated() {
      target[writerOffset + index] = byte
    }
    let digest = Digest(of: UnsafeRawBufferPointer(rebasing: target[..<digestOffset]), message)
    target.storeBytes(of: digest.words, toByteOffset: digestOffset, as: (UInt64, UInt64, UInt64, UInt64).self)
    UnsafeMutableRawBufferPointer(rebasing: target[prefixByteCount...]).copyMemory(from: message)

    let temporary = temporaryPath(directory)
    do throws(TraceError) {
      let file = try TraceFile(creating: temporary)
      try file.write(UnsafeRawBufferPointer(target), at: 0)
    } catch {
      unlink(temporary)
      throw error
    }
    return digest
  }

  static func publish(directory: String) throws(TraceError) {
    let path = directory + "/" + fileName
    if rename(temporaryPath(directory), path) != 0 { throw TraceFile.error("create", path) }
  }

  static func synchronize(directory: String) throws(TraceError) {
    let file = try TraceFile(reading: directory + "/" + fileName)
    try file.synchronize()
  }

  static func read(directory: String) throws(TraceError) -> (header: TraceHeader, digest: Digest) {
    try read(try TraceStorage(path: directory))
  }

  static func read(_ storage: TraceStorage) throws(TraceError) -> (header: TraceHeader, digest: Digest) {
    let directory = storage.path
    let path = directory + "/" + fileName
    let file = try open(storage)
    let size = try file.size()
    guard size >= UInt64(prefixByteCount) else {
      throw .notATrace(directory: directory, reason: "its file 'header' is too short")
    }
    guard size <= UInt64(prefixByteCount + blockByteCountMax) else {
      throw .notATrace(directory: directory, reason: "its file 'header' is too long")
    }
    let bytes = ByteBuffer(capacity: Int(size))
    let source = UnsafeRawBufferPointer(bytes.prefix(Int(size)))
    guard try file.read(into: bytes.prefix(Int(size)), at: 0) == Int(size) else {
      throw .notATrace(directory: directory, reason: "its file 'header' is changing")
    }
    guard source.loadUnaligned(fromByteOffset: 0, as: UInt64.self).littleEndian == magic else {
      throw .notATrace(directory: directory, reason: "its file 'header' is something else")
    }
    let version = source.loadUnaligned(fromByteOffset: 8, as: UInt32.self).littleEndian
    guard version == traceFormatVersion else {
      throw .unknownVersion(
        directory: directory, found: version, supported: traceFormatVersion, writer: writer(in: source))
    }
    func damage(_ reason: String) -> TraceError {
      .damaged(TraceDamage(file: path, block: nil, fileOffset: 0, reason: reason))
    }
    let messageByteCount = Int(source.loadUnaligned(fromByteOffset: 12, as: UInt32.self).littleEndian)
    guard messageByteCount == source.count - prefixByteCount else { throw damage("it has the wrong size") }
    let message = UnsafeRawBufferPointer(rebasing: source[prefixByteCount...])
    let digest = Digest(of: UnsafeRawBufferPointer(rebasing: source[..<digestOffset]), message)
    guard digest == Digest(loadingFrom: source.baseAddress! + digestOffset) else {
      throw damage("its content doesn't agree with its digest")
    }
    let decoder = RecordDecoder()
    do throws(RecordFlaw) {
      return (try decoder.header(in: message), digest)
    } catch {
      throw damage(error.reason)
    }
  }

  private static func open(_ storage: TraceStorage) throws(TraceError) -> TraceFile {
    do throws(TraceError) {
      return try storage.open(fileName)
    } catch {
      switch error {
      case .system(_, _, .noSuchFileOrDirectory), .system(_, _, .notDirectory):
        throw .notATrace(directory: storage.path, reason: "it has no file 'header'")
      default: throw error
      }
    }
  }

  /// The writer's name, without anything that a terminal would take for a command.
  private static func writer(in source: UnsafeRawBufferPointer) -> String {
    let bytes = source[writerOffset..<digestOffset].prefix { $0 != 0 }
    return String(decoding: bytes.filter { (0x20..<0x7f).contains($0) }, as: UTF8.self)
  }
}
