package import KernelABI

/// Reads memory of a stopped tracee in small pieces, at the cost of one request a page.
package struct PageReader {
  private let tracee: Tracee
  private var page = RemotePointer.null
  private var bytes: [UInt8]?

  package init(_ tracee: Tracee) { self.tracee = tracee }

  private mutating func turn(to address: RemotePointer) {
    guard bytes == nil || page != address.pageStart else { return }
    page = address.pageStart
    bytes = tracee.readBytes(page, count: Int(pageSize))
  }

  /// The word at an address that is a multiple of eight; nil where no memory is.
  package mutating func word(_ address: RemotePointer) -> UInt64? {
    guard address.rawValue % 8 == 0 else { return tracee.read(address, as: UInt64.self) }
    turn(to: address)
    return bytes?.withUnsafeBytes { $0.load(fromByteOffset: Int(address - page), as: UInt64.self) }
  }

  /// The bytes before the first NUL, at most `limit`; nil where the memory ends before either.
  package mutating func string(_ address: RemotePointer, limit: Int) -> [UInt8]? {
    var result: [UInt8] = []
    var position = address
    while result.count < limit {
      turn(to: position)
      guard let bytes else { return nil }
      let rest = bytes[Int(position - page)...]
      let part = rest.prefix { $0 != 0 }
      result += part.prefix(limit - result.count)
      if part.count < rest.count { return result }
      position = position + part.count
    }
    return result
  }
}
