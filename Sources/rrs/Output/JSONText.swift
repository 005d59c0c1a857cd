/// Writes JSON without an object tree, in the order in which it is told.
struct JSONText {
  private(set) var text = ""
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
    text += Self.quoted(value)
  }

  mutating func number(_ name: String? = nil, _ value: some BinaryInteger) {
    start(name)
    text += String(value)
  }

  mutating func bool(_ name: String? = nil, _ value: Bool) {
    start(name)
    text += value ? "true" : "false"
  }

  mutating func null(_ name: String? = nil) {
    start(name)
    text += "null"
  }

  /// Addresses and registers are strings: JSON's numbers don't hold 64 bits everywhere.
  mutating func hex(_ name: String? = nil, _ value: UInt64) {
    string(name, "0x" + String(value, radix: 16))
  }

  mutating func strings(_ name: String? = nil, _ values: [String]) {
    array(name) { list in for value in values { list.string(nil, value) } }
  }

  private mutating func container(
    _ name: String?, _ open: String, _ close: String, _ body: (inout JSONText) throws -> Void
  ) rethrows {
    start(name)
    text += open
    needsComma = false
    depth += 1
    try body(&self)
    depth -= 1
    if needsComma { newLine() }
    text += close
    needsComma = true
  }

  private mutating func start(_ name: String?) {
    if needsComma { text += "," }
    if depth > 0 { newLine() }
    needsComma = true
    if let name { text += Self.quoted(name) + (isIndented ? ": " : ":") }
  }

  private mutating func newLine() {
    guard isIndented else { return }
    text += "\n" + String(repeating: "  ", count: depth)
  }

  static func quoted(_ value: String) -> String {
    var result = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7f {
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
