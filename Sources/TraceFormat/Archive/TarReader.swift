/// Walks the members of an archive, from the first on.
///
/// It needs bytes in order only, so that an archive can come through a pipe; where it is a file, contents are passed
/// over.
package struct TarReader {
  private let read: (UnsafeMutableRawBufferPointer, UInt64) throws(TraceError) -> Int
  private let path: String
  /// Where the next header is.
  package private(set) var offset: UInt64 = 0

  /// `read` is asked for bytes at an offset, which only grows, and gives fewer only at the end.
  package init(
    path: String, read: @escaping (UnsafeMutableRawBufferPointer, UInt64) throws(TraceError) -> Int
  ) {
    self.path = path
    self.read = read
  }

  /// The next member, whose content starts at `offset`; nil at the end of the archive. Preconditions: the content of
  /// the member before it was passed.
  package mutating func next() throws(TraceError) -> TarHeader? {
    var records: [UInt8]?
    while true {
      let start = offset
      let block = try bytes(UInt64(TarHeader.byteCount))
      if block.allSatisfy({ $0 == 0 }) {
        // Two such blocks are the end.
        guard records == nil, try bytes(UInt64(TarHeader.byteCount)).allSatisfy({ $0 == 0 }) else {
          throw damage("the archive's end isn't one", at: start)
        }
        return nil
      }
      do throws(TarHeader.Flaw) {
        var header = try TarHeader(block: block)
        if let records { try header.apply(extended: records) }
        guard header.kind == .extended else {
          guard header.size <= UInt64(Int64.max) - offset - UInt64(TarHeader.byteCount) else {
            throw TarHeader.Flaw(reason: "a size in the archive is impossible")
          }
          return header
        }
        guard records == nil, header.size <= 1 << 16 else {
          throw TarHeader.Flaw(reason: "an extended header of the archive is too long")
        }
        records = Array(try extended(header).prefix(Int(header.size)))
      } catch {
        throw damage(error.reason, at: start)
      }
    }
  }

  private mutating func extended(_ header: TarHeader) throws(TarHeader.Flaw) -> [UInt8] {
    do throws(TraceError) {
      return try bytes(header.paddedSize)
    } catch {
      throw TarHeader.Flaw(reason: "the archive ends early")
    }
  }

  private mutating func bytes(_ byteCount: UInt64) throws(TraceError) -> [UInt8] {
    let buffer = ByteBuffer(capacity: Int(byteCount))
    let target = buffer.prefix(Int(byteCount))
    guard try read(target, offset) == target.count else { throw damage("the archive ends early") }
    offset += byteCount
    return Array(target)
  }

  /// Moves behind a member's content without reading it.
  package mutating func skip(_ header: TarHeader) { offset += header.paddedSize }

  /// Hands a member's content to `body`, piece by piece.
  mutating func forEachPiece(
    of header: TarHeader, _ body: (UnsafeRawBufferPointer) throws(TraceError) -> Void
  ) throws(TraceError) {
    let buffer = ByteBuffer(capacity: 1 << 20)
    var remaining = header.size
    while remaining > 0 {
      let target = buffer.prefix(Int(min(UInt64(buffer.capacity), remaining)))
      guard try read(target, offset) == target.count else { throw damage("the archive ends early") }
      offset += UInt64(target.count)
      remaining -= UInt64(target.count)
      try body(UnsafeRawBufferPointer(target))
    }
    let padding = header.paddedSize - header.size
    guard try bytes(padding).allSatisfy({ $0 == 0 }) else {
      throw damage("there is something between two members of the archive")
    }
  }

  func damage(_ reason: String, at place: UInt64? = nil) -> TraceError {
    .damaged(TraceDamage(file: path, block: nil, fileOffset: place ?? offset, reason: reason))
  }
}
