import Glibc

/// Text for stdout, written in large pieces, without Foundation or stdio.
struct StandardOutput: ~Copyable {
  private var buffer: [UInt8] = []
  private static let flushByteCount = 1 << 16

  init() { buffer.reserveCapacity(Self.flushByteCount + 4096) }

  deinit { Self.write(buffer, to: STDOUT_FILENO) }

  mutating func print(_ text: String) { print(bytes: text.utf8) }

  mutating func print(_ json: JSONText) { print(bytes: json.bytes) }

  private mutating func print(bytes: some Sequence<UInt8>) {
    buffer.append(contentsOf: bytes)
    append([UInt8(ascii: "\n")])
  }

  mutating func append(_ bytes: [UInt8]) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.flushByteCount { flush() }
  }

  mutating func flush() {
    Self.write(buffer, to: STDOUT_FILENO)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes everything, or as much as the reader takes: a reader that has gone away ends rrs by SIGPIPE, as usual.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + offset, $0.count - offset) }
      if count < 0 {
        if errno == EINTR { continue }
        return
      }
      offset += count
    }
  }
}

/// One line on stderr, as `rrs: …`.
func warn(_ text: String) {
  StandardOutput.write(Array("rrs: \(text)\n".utf8), to: STDERR_FILENO)
}
