import Glibc

/// Small texts that several verbs print.
enum TextFormat {
  static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  static func twoHexDigits(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  static func padded(_ text: String, toLeft width: Int) -> String {
    text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
  }

  static func padded(_ text: String, toRight width: Int) -> String {
    text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
  }

  /// Bytes as people read them: `512`, `1.5K`, `23M`, as ls(1) -h does.
  static func byteCount(_ count: UInt64) -> String {
    let units = ["", "K", "M", "G", "T", "P"]
    var value = Double(count)
    var unit = 0
    while value >= 1024 && unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return String(count) }
    if value < 9.95 {
      let tenths = Int((value * 10).rounded())
      return "\(tenths / 10).\(tenths % 10)\(units[unit])"
    }
    return "\(Int(value.rounded()))\(units[unit])"
  }

  /// `2026-11-21 10:34:21` in local time.
  static func localTime(nanosecondsSinceEpoch: UInt64) -> String {
    var seconds = time_t(nanosecondsSinceEpoch / 1_000_000_000)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return "-" }
    let year = String(Int(parts.tm_year) + 1900)
    let date = [year, twoDigits(parts.tm_mon + 1), twoDigits(parts.tm_mday)].joined(separator: "-")
    let clock = [twoDigits(parts.tm_hour), twoDigits(parts.tm_min), twoDigits(parts.tm_sec)].joined(separator: ":")
    return date + " " + clock
  }

  private static func twoDigits(_ value: Int32) -> String { value < 10 ? "0\(value)" : String(value) }

  /// 16 bytes as 8-4-4-4-12 hexadecimal digits.
  static func uuid(_ bytes: [UInt8]) -> String {
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += twoHexDigits(byte)
    }
    return text
  }

  /// A command line as a shell would take it.
  static func commandLine(_ arguments: [String]) -> String {
    arguments.map(shellQuoted).joined(separator: " ")
  }

  private static func shellQuoted(_ argument: String) -> String {
    let plain = argument.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/", "=", ":", ",", "+", "@", "%": true
      default: false
      }
    }
    if plain && !argument.isEmpty { return argument }
    var quoted = "'"
    for character in argument { quoted += character == "'" ? "'\\''" : String(character) }
    return quoted + "'"
  }
}
