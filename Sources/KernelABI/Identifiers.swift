/// The kernel's number of one thread, in rrs's own pid namespace.
package struct Tid: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }
  package init(_ rawValue: Int32) { self.rawValue = rawValue }

  package static func < (a: Tid, b: Tid) -> Bool { a.rawValue < b.rawValue }
  package var description: String { String(rawValue) }
}

/// An address in a tracee. Never dereferenced in the tracer.
///
/// Arithmetic wraps: tracee data decides the operands, and a wrapped address simply isn't mapped.
package struct RemotePointer: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  package static let null = RemotePointer(0)
  package var isNull: Bool { rawValue == 0 }

  package static func < (a: RemotePointer, b: RemotePointer) -> Bool { a.rawValue < b.rawValue }
  package static func + (a: RemotePointer, offset: UInt64) -> RemotePointer { .init(a.rawValue &+ offset) }
  package static func + (a: RemotePointer, offset: Int) -> RemotePointer {
    .init(a.rawValue &+ UInt64(bitPattern: Int64(offset)))
  }
  package static func - (a: RemotePointer, offset: UInt64) -> RemotePointer { .init(a.rawValue &- offset) }
  package static func - (a: RemotePointer, b: RemotePointer) -> UInt64 { a.rawValue &- b.rawValue }

  /// The start of the page that holds this address.
  package var pageStart: RemotePointer { .init(rawValue & ~(pageSize - 1)) }
  /// This address, or the next page's start if it isn't one.
  package var pageEnd: RemotePointer { .init((rawValue &+ pageSize - 1) & ~(pageSize - 1)) }

  package var description: String { "0x" + String(rawValue, radix: 16) }
}

/// The size of a page on x86-64, in bytes.
package let pageSize: UInt64 = 4096

/// A half-open range of tracee addresses.
package struct RemoteRange: Hashable, Sendable, CustomStringConvertible {
  package var start: RemotePointer
  package var end: RemotePointer

  package init(_ start: RemotePointer, _ end: RemotePointer) {
    self.start = start
    self.end = end
  }
  package init(_ start: RemotePointer, byteCount: UInt64) {
    self.init(start, start + byteCount)
  }

  /// All that a process can map.
  package static let all = RemoteRange(.null, RemotePointer(1 << 47))

  package var byteCount: UInt64 { end.rawValue > start.rawValue ? end - start : 0 }
  package var isEmpty: Bool { end <= start }
  package func contains(_ address: RemotePointer) -> Bool { start <= address && address < end }
  package func overlaps(_ other: RemoteRange) -> Bool { start < other.end && other.start < end }
  package func intersection(_ other: RemoteRange) -> RemoteRange? {
    let low = max(start, other.start), high = min(end, other.end)
    return low < high ? RemoteRange(low, high) : nil
  }
  package var description: String { "\(start)-\(end)" }
}
