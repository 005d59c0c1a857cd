import CTraceFormat
import Glibc

/// 32 bytes of BLAKE2b-256.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
  var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  static let byteCount = 32

  init() {}

  init(loadingFrom bytes: UnsafeRawPointer) {
    words = bytes.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
  }

  /// Of the concatenation.
  init(of a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer = .init(start: nil, count: 0)) {
    withUnsafeMutableBytes(of: &words) { target in
      rrs_blake2b_256(
        rrs_bytes(a), rrs_bytes(b), rrs_bytes(), target.baseAddress!.assumingMemoryBound(to: UInt8.self))
    }
  }

  package init(of bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { Digest(of: $0) }
  }

  /// Of a file's whole content. `onBytes` is told of each piece that has been read.
  package init(
    ofFile descriptor: CInt, path: String, onBytes: (Int) -> Void = { _ in }
  ) throws(TraceError) {
    guard let hasher = rrs_hasher_create() else { preconditionFailure("out of memory") }
    defer { rrs_hasher_destroy(hasher) }
    let chunk = ByteBuffer(capacity: 1 << 20)
    var position: off_t = 0
    while true {
      let count = pread(descriptor, chunk.start, chunk.capacity, position)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw TraceFile.error("read", path) }
      if count == 0 { break }
      rrs_hasher_add(hasher, rrs_bytes(UnsafeRawBufferPointer(chunk.prefix(count))))
      position += off_t(count)
      onBytes(count)
    }
    withUnsafeMutableBytes(of: &words) { target in
      rrs_hasher_finish(hasher, target.baseAddress!.assumingMemoryBound(to: UInt8.self))
    }
  }

  package var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

  /// In hexadecimal digits.
  package var description: String {
    bytes.reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
  }

  package static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }

  package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
