/// Writes JSON without an object tree, in the order in which it is told.
struct JSONText {
  /// UTF-8: a dump of millions of events is mostly this.
  private(set) var bytes: [UInt8] = []
  private var needsComma = false
  private let isIndented: Bool
  private var depth = 0

  init(isIndented: Bool = false) { self.isIndented = isIndented }

  mutating func object(_ name: String? = nil, _ body: (inout JSONText) throws -> Void) rethrows {
    try container(name, "{", "}", body)
  }

  mutating func array(_ name: String? = nil, _ body: (inout JSONText) throws -> Void) rethrows {
    try container(name, "[", "]", body)
  }

  mutating func string(_ name: String? = nil, _ value: String) {
    start(name)
    appendQuoted(value)
  }

  mutating func number(_ name: String? = nil, _ value: some BinaryInteger) {
    start(name)
    bytes.append(contentsOf: String(value).utf8)
  }

  mutating func bool(_ name: String? = nil, _ value: Bool) {
    start(name)
    append(value ? "true" : "false")
  }

  mutating func null(_ name: String? = nil) {
    start(name)
    append("null")
  }

  /// Addresses and registers are strings: JSON's numbers don't hold 64 bits everywhere.
  mutating func hex(_ name: String? = nil, _ value: UInt64) {
    start(name)
    append("\"0x")
    bytes.append(contentsOf: String(value, radix: 16).utf8)
    append("\"")
  }

  mutating func strings(_ name: String? = nil, _ values: [String]) {
    array(name) { list in for value in values { list.string(nil, value) } }
  }

  private mutating func container(
    _ name: String?, _ open: StaticString, _ close: StaticString, _ body: (inout JSONText) throws -> Void
  ) rethrows {
    start(name)
    append(open)
    needsComma = false
    depth += 1
    try body(&self)
    depth -= 1
    if needsComma { newLine() }
    append(close)
    needsComma = true
  }

  private mutating func start(_ name: String?) {
    if needsComma { append(",") }
    if depth > 0 { newLine() }
    needsComma = true
    if let name {
      appendQuoted(name)
      append(isIndented ? ": " : ":")
    }
  }

  private mutating func newLine() {
    guard isIndented else { return }
    append("\n")
    for _ in 0..<depth { append("  ") }
  }

  private mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func appendQuoted(_ value: String) {
    append("\"")
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case UInt8(ascii: "\n"): append("\\n")
      case UInt8(ascii: "\r"): append("\\r")
      case UInt8(ascii: "\t"): append("\\t")
      case 0..<0x20, 0x7f:
        append(byte < 0x10 ? "\\u000" : "\\u00")
        bytes.append(contentsOf: String(byte, radix: 16).utf8)
      default: bytes.append(byte)
      }
    }
    append("\"")
  }
}
