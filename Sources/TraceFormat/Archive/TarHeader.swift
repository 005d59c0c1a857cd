/// The 512 bytes before a member of a tar archive, as POSIX.1-2017 has them (pax, "ustar Interchange Format").
package struct TarHeader: Equatable {
  package static let byteCount = 512

  package enum Kind: UInt8 {
    case file = 0x30  // "0"
    case link = 0x32  // "2"
    case directory = 0x35  // "5"
    /// Records `LENGTH KEY=VALUE` for the next member: what has no room in its header ("pax Extended Header").
    case extended = 0x78  // "x"
  }

  package var path: String
  package var kind: Kind
  /// Of the content, which fills up whole blocks.
  package var size: UInt64
  package var mode: UInt32
  /// In seconds since the epoch.
  package var modified: UInt64
  /// Of a symbolic link.
  package var target = ""

  /// The bytes that the content takes in the archive.
  package var paddedSize: UInt64 { Self.padded(size) }

  static func padded(_ size: UInt64) -> UInt64 { (size + UInt64(byteCount - 1)) & ~UInt64(byteCount - 1) }

  private enum Field {
    static let name = 0..<100
    static let mode = 100..<108
    static let userID = 108..<116
    static let groupID = 116..<124
    static let size = 124..<136
    static let modified = 136..<148
    static let checksum = 148..<156
    static let kind = 156
    static let target = 157..<257
    static let magic = 257..<265
    static let prefix = 345..<500
  }

  // "ustar", NUL, "00".
  private static let magic: [UInt8] = [0x75, 0x73, 0x74, 0x61, 0x72, 0, 0x30, 0x30]
  // GNU tar's: "ustar", two spaces, NUL. Its headers have no prefix.
  private static let gnuMagic: [UInt8] = [0x75, 0x73, 0x74, 0x61, 0x72, 0x20, 0x20, 0]
  private static let numberMax: UInt64 = 0o777_7777_7777

  // MARK: - Writing

  /// The header, with an extended one before it if the path or the size need that.
  package var bytes: [UInt8] {
    var records: [UInt8] = []
    if Array(path.utf8).count > Field.name.count { records += Self.record("path", path) }
    if Array(target.utf8).count > Field.target.count { records += Self.record("linkpath", target) }
    if size > Self.numberMax { records += Self.record("size", String(size)) }
    guard !records.isEmpty else { return block }
    let extended = TarHeader(
      path: "extended-header", kind: .extended, size: UInt64(records.count), mode: 0o644, modified: modified)
    let padding = [UInt8](repeating: 0, count: Int(extended.paddedSize) - records.count)
    return extended.block + records + padding + block
  }

  private static func record(_ key: String, _ value: String) -> [UInt8] {
    let rest = " \(key)=\(value)\n"
    // The length counts its own digits.
    var length = rest.utf8.count
    while String(length).utf8.count + rest.utf8.count != length { length = String(length).utf8.count + rest.utf8.count }
    return Array("\(length)\(rest)".utf8)
  }

  private var block: [UInt8] {
    var block = [UInt8](repeating: 0, count: Self.byteCount)
    func put(_ bytes: [UInt8], _ field: Range<Int>) {
      block.replaceSubrange(field.lowerBound..<field.lowerBound + bytes.count, with: bytes)
    }
    func put(_ number: UInt64, _ field: Range<Int>) {
      let digits = String(number, radix: 8)
      put(Array((String(repeating: "0", count: field.count - 1 - digits.utf8.count) + digits).utf8), field)
    }
    put(Array(path.utf8.prefix(Field.name.count)), Field.name)
    put(UInt64(mode), Field.mode)
    put(0, Field.userID)
    put(0, Field.groupID)
    put(min(size, Self.numberMax), Field.size)
    put(min(modified, Self.numberMax), Field.modified)
    block[Field.kind] = kind.rawValue
    put(Array(target.utf8.prefix(Field.target.count)), Field.target)
    put(Self.magic, Field.magic)
    put(Self.checksum(block), Field.checksum)
    return block
  }

  /// What the checksum's field holds, in the form that all programs write: six digits, NUL, and a space.
  private static func checksum(_ block: [UInt8]) -> [UInt8] {
    // The field itself counts as eight spaces.
    let others = block[..<Field.checksum.lowerBound] + block[Field.checksum.upperBound...]
    let digits = Array(String(others.reduce(8 * 0x20) { $0 + Int($1) }, radix: 8).utf8)
    return [UInt8](repeating: 0x30, count: 6 - digits.count) + digits + [0, 0x20]
  }

  // MARK: - Reading

  struct Flaw: Error {
    var reason: String
  }

  package init(path: String, kind: Kind, size: UInt64, mode: UInt32, modified: UInt64, target: String = "") {
    self.path = path
    self.kind = kind
    self.size = size
    self.mode = mode
    self.modified = modified
    self.target = target
  }

  /// Preconditions: the block has its size.
  init(block: [UInt8]) throws(Flaw) {
    precondition(block.count == Self.byteCount)
    func text(_ field: Range<Int>) -> String {
      String(decoding: block[field].prefix { $0 != 0 }, as: UTF8.self)
    }
    func number(_ field: Range<Int>) throws(Flaw) -> UInt64 {
      let digits = text(field).split(separator: " ").first ?? ""
      guard digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }), let value = UInt64(digits, radix: 8) else {
        throw Flaw(reason: "a number in an archive's header isn't one")
      }
      return value
    }
    let magic = Array(block[Field.magic])
    guard magic == Self.magic || magic == Self.gnuMagic else {
      throw Flaw(reason: "there is no member of an archive here")
    }
    guard Array(block[Field.checksum]) == Self.checksum(block) else {
      throw Flaw(reason: "the header of an archive's member doesn't agree with its checksum")
    }
    guard let kind = Kind(rawValue: block[Field.kind]) else {
      throw Flaw(reason: "the archive has a member that is neither a file nor a directory")
    }
    self.kind = kind
    let prefix = magic == Self.magic ? text(Field.prefix) : ""
    path = (prefix.isEmpty ? "" : prefix + "/") + text(Field.name)
    size = try number(Field.size)
    mode = UInt32(truncatingIfNeeded: try number(Field.mode))
    modified = try number(Field.modified)
    target = text(Field.target)
  }

  /// Takes what the records of an extended header say.
  mutating func apply(extended records: [UInt8]) throws(Flaw) {
    var rest = records[...]
    while !rest.isEmpty {
      guard let space = rest.firstIndex(of: 0x20),
        let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > space - rest.startIndex + 2,
        length <= rest.count, let equals = rest[space...].firstIndex(of: 0x3d), equals < rest.startIndex + length
      else { throw Flaw(reason: "an extended header of the archive isn't one") }
      let end = rest.startIndex + length
      let value = String(decoding: rest[(equals + 1)..<(end - 1)], as: UTF8.self)
      switch String(decoding: rest[(space + 1)..<equals], as: UTF8.self) {
      case "path": path = value
      case "linkpath": target = value
      case "size":
        guard let number = UInt64(value) else { throw Flaw(reason: "a size in the archive isn't a number") }
        size = number
      default: break
      }
      rest = rest[end...]
    }
  }
}
