/// Reads a payload from left to right. What isn't there is nil, never a trap.
package struct TextCursor {
  private let bytes: [UInt8]
  private var index = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isAtEnd: Bool { index == bytes.count }
  package var peek: UInt8? { isAtEnd ? nil : bytes[index] }

  package mutating func take() -> UInt8? {
    guard let byte = peek else { return nil }
    index += 1
    return byte
  }

  package mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  package mutating func skip(_ text: String) -> Bool {
    guard bytes[index...].starts(with: text.utf8) else { return false }
    index += text.utf8.count
    return true
  }

  package mutating func skip(count: Int) -> Bool {
    guard count >= 0, count <= bytes.count - index else { return false }
    index += count
    return true
  }

  /// A hexadecimal number of at least one digit, below 2^64.
  package mutating func number() -> UInt64? {
    var value: UInt64 = 0
    let start = index
    while let digit = peek.flatMap(Hex.digit) {
      guard value >> 60 == 0 else { return nil }
      value = value << 4 | UInt64(digit)
      index += 1
    }
    return index == start ? nil : value
  }

  package mutating func int() -> Int? { number().flatMap(Int.init(exactly:)) }
  package mutating func int32() -> Int32? { number().flatMap(Int32.init(exactly:)) }

  /// The bytes before the next `character`, or all that are left.
  package mutating func upTo(_ character: Unicode.Scalar) -> ArraySlice<UInt8> {
    let rest = bytes[index...]
    let end = rest.firstIndex(of: UInt8(ascii: character)) ?? bytes.count
    defer { index = end }
    return bytes[index..<end]
  }

  package mutating func letters() -> String {
    let start = index
    while let byte = peek, (byte | 0x20) >= UInt8(ascii: "a"), (byte | 0x20) <= UInt8(ascii: "z") { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  package mutating func rest() -> ArraySlice<UInt8> {
    defer { index = bytes.count }
    return bytes[index...]
  }

  /// Pairs of digits up to `;` or the end.
  package mutating func hexBytes() -> [UInt8]? { Hex.decode(upTo(";")) }
}
