/// Little-endian fields of a structure in a byte array; nil past its end.
struct ByteReader {
  var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type = T.self) -> T? {
    guard offset >= 0, offset + MemoryLayout<T>.size <= bytes.count else { return nil }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
  }

  func uint16(_ offset: Int) -> UInt16? { load(offset) }
  func int32(_ offset: Int) -> Int32? { load(offset) }
  func uint32(_ offset: Int) -> UInt32? { load(offset) }
  func int64(_ offset: Int) -> Int64? { load(offset) }
  func uint64(_ offset: Int) -> UInt64? { load(offset) }

  /// A big-endian 16-bit field, as ports are.
  func networkUInt16(_ offset: Int) -> UInt16? { uint16(offset).map(UInt16.init(bigEndian:)) }

  func slice(_ offset: Int, _ count: Int) -> ByteReader? {
    guard offset >= 0, count >= 0, offset + count <= bytes.count else { return nil }
    return ByteReader(Array(bytes[offset..<offset + count]))
  }

  /// The bytes from `offset` as far as a NUL, or all of `count`.
  func text(_ offset: Int, _ count: Int) -> ArraySlice<UInt8>? {
    guard offset <= bytes.count else { return nil }
    let field = bytes[offset..<min(offset + count, bytes.count)]
    return field.prefix { $0 != 0 }
  }
}

/// Words and quotes as strace prints them.
enum PrintedText {
  static func hex(_ value: UInt64) -> String { value == 0 ? "0" : "0x" + String(value, radix: 16) }

  static func address(_ value: UInt64) -> String { value == 0 ? "NULL" : "0x" + String(value, radix: 16) }

  static func padded(_ text: String, _ width: Int, _ fill: Character = "0") -> String {
    String(repeating: fill, count: max(0, width - text.count)) + text
  }

  /// A C string literal of the bytes, cut at `limit` with `...` behind it.
  static func quoted(_ bytes: some Collection<UInt8>, limit: Int = .max, isCut: Bool = false) -> String {
    var result = "\""
    let shown = Array(bytes.prefix(limit))
    for (index, byte) in shown.enumerated() {
      switch byte {
      case 0x22: result += "\\\""
      case 0x5c: result += "\\\\"
      case 0x07: result += "\\a"
      case 0x08: result += "\\b"
      case 0x09: result += "\\t"
      case 0x0a: result += "\\n"
      case 0x0b: result += "\\v"
      case 0x0c: result += "\\f"
      case 0x0d: result += "\\r"
      case 0x20 ... 0x7e: result.append(Character(Unicode.Scalar(byte)))
      default:
        // The shortest octal escape, but all three digits before a digit.
        let followedByDigit = index + 1 < shown.count && (0x30 ... 0x39).contains(shown[index + 1])
        let octal = String(byte, radix: 8)
        result += "\\" + (followedByDigit ? padded(octal, 3) : octal)
      }
    }
    return result + "\"" + (isCut || bytes.count > shown.count ? "..." : "")
  }

  /// A file mode: type by name, permissions in octal.
  static func mode(_ mode: UInt32) -> String {
    let permissions = "0" + String(mode & 0o7777, radix: 8)
    let type = mode & 0o170000
    guard type != 0 else { return permissions == "00" ? "0" : permissions }
    let name = NameTable.fileMode.name(of: UInt64(type)) ?? "0" + String(type, radix: 8)
    return name + "|" + permissions
  }

  /// The names of a signal set without `SIG`; a set of most signals by what it lacks.
  static func signalSet(_ set: UInt64) -> String {
    let isInverted = set.nonzeroBitCount > 32
    let shown = isInverted ? ~set : set
    let names = (0..<64).filter { shown >> $0 & 1 != 0 }.map { bit -> String in
      let name = NameTable.signal.name(of: UInt64(bit + 1)) ?? String(bit + 1)
      return name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
    }
    return (isInverted ? "~[" : "[") + names.joined(separator: " ") + "]"
  }

  /// A status as wait4(2) encodes it.
  static func waitStatus(_ status: UInt32) -> String {
    let signal = status & 0x7f
    if status == 0xffff { return "{WIFCONTINUED(s)}" }
    if signal == 0 { return "{WIFEXITED(s) && WEXITSTATUS(s) == \(status >> 8 & 0xff)}" }
    func name(_ number: UInt32) -> String { NameTable.signal.name(of: UInt64(number)) ?? String(number) }
    if signal == 0x7f { return "{WIFSTOPPED(s) && WSTOPSIG(s) == \(name(status >> 8 & 0x7f))}" }
    let core = status & 0x80 != 0 ? " && WCOREDUMP(s)" : ""
    return "{WIFSIGNALED(s) && WTERMSIG(s) == \(name(signal))\(core)}"
  }
}
