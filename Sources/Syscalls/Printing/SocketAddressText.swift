/// A `struct sockaddr` of the usual families (unix(7), ip(7), ipv6(7), netlink(7)).
package enum SocketAddressText {
  package static func describe(_ bytes: [UInt8]) -> String? { describe(ByteReader(bytes)) }

  static func describe(_ reader: ByteReader) -> String? {
    guard let family = reader.uint16(0) else { return nil }
    switch family {
    case 1: return unix(reader)
    case 2: return internet(reader) ?? generic(family, reader)
    case 10: return internet6(reader) ?? generic(family, reader)
    case 16: return netlink(reader) ?? generic(family, reader)
    default: return generic(family, reader)
    }
  }

  private static func generic(_ family: UInt16, _ reader: ByteReader) -> String {
    let name = NameTable.socketDomain.name(of: UInt64(family)) ?? String(family)
    let rest = reader.bytes.dropFirst(2)
    return rest.isEmpty ? "{sa_family=\(name)}" : "{sa_family=\(name), sa_data=\(PrintedText.quoted(rest))}"
  }

  private static func unix(_ reader: ByteReader) -> String {
    let path = reader.bytes.dropFirst(2)
    if path.isEmpty { return "{sa_family=AF_UNIX}" }
    // An abstract name starts with a NUL and has no end mark.
    if path.first == 0 {
      return path.count == 1
        ? "{sa_family=AF_UNIX, sun_path=\"\"}"
        : "{sa_family=AF_UNIX, sun_path=@\(PrintedText.quoted(path.dropFirst()))}"
    }
    return "{sa_family=AF_UNIX, sun_path=\(PrintedText.quoted(path.prefix { $0 != 0 }))}"
  }

  private static func internet(_ reader: ByteReader) -> String? {
    guard let port = reader.networkUInt16(2), let address = reader.slice(4, 4) else { return nil }
    let dotted = address.bytes.map(String.init).joined(separator: ".")
    return "{sa_family=AF_INET, sin_port=htons(\(port)), sin_addr=inet_addr(\"\(dotted)\")}"
  }

  private static func internet6(_ reader: ByteReader) -> String? {
    guard let port = reader.networkUInt16(2), let flow = reader.uint32(4), let scope = reader.uint32(24),
      let address = reader.slice(8, 16)
    else { return nil }
    let groups = (0..<8).compactMap { address.networkUInt16($0 * 2) }
    return "{sa_family=AF_INET6, sin6_port=htons(\(port)), sin6_flowinfo=htonl(\(UInt32(bigEndian: flow))), "
      + "inet_pton(AF_INET6, \"\(compressed(groups))\", &sin6_addr), sin6_scope_id=\(scope)}"
  }

  /// The longest run of two or more zero groups becomes `::` (RFC 5952).
  static func compressed(_ groups: [UInt16]) -> String {
    var best = 0..<0
    var start = 0
    while start < groups.count {
      let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
      if end - start > max(best.count, 1) { best = start..<end }
      start = max(end, start) + 1
    }
    func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    if best.isEmpty { return text(groups[...]) }
    return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
  }

  private static func netlink(_ reader: ByteReader) -> String? {
    guard let pid = reader.uint32(4), let groups = reader.uint32(8) else { return nil }
    let groupText = PrintedText.padded(String(groups, radix: 16), 8)
    return "{sa_family=AF_NETLINK, nl_pid=\(pid), nl_groups=\(groupText)}"
  }
}
