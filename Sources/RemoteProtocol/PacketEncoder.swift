/// Payloads in their frame.
package enum PacketEncoder {
  private static let special = Set("#$}*".utf8)

  /// `$…#cc`. The four characters that mean something in the frame are escaped.
  package static func frame(_ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(payload.count + 4)
    bytes.append(UInt8(ascii: "$"))
    var sum: UInt8 = 0
    for byte in payload {
      if special.contains(byte) {
        bytes.append(UInt8(ascii: "}"))
        bytes.append(byte ^ 0x20)
        sum &+= UInt8(ascii: "}") &+ (byte ^ 0x20)
      } else {
        bytes.append(byte)
        sum &+= byte
      }
    }
    bytes.append(UInt8(ascii: "#"))
    Hex.append(sum, to: &bytes)
    return bytes
  }

  /// A text for a reply that the debugger doesn't unescape: other characters than printable ones, and those that the
  /// frame would escape, are replaced.
  package static func plain(_ text: String) -> String {
    String(
      decoding: text.utf8.map { (32...126).contains($0) && !special.contains($0) ? $0 : UInt8(ascii: "?") },
      as: UTF8.self)
  }
}
