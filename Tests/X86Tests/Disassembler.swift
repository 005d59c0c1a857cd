import Foundation
import TestSupport

/// The independent oracle: objdump.
enum Disassembler {
  struct Line {
    var address: UInt64
    var bytes: [UInt8]
    /// The mnemonic and the operands, with single spaces.
    var text: String
  }

  static var isAvailable: Bool { TestEnvironment.has("objdump") }

  /// Disassembles bytes as if they lay at `address`.
  static func disassemble(_ bytes: [UInt8], at address: UInt64 = 0) throws -> [Line] {
    let directory = try TemporaryDirectory()
    let path = directory.file("code")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try lines(
      ["-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--adjust-vma=\(address)", path])
  }

  /// Disassembles the code of a program.
  static func disassemble(program: String) throws -> [Line] {
    try lines(["-d", "-M", "intel", "-j", ".text", program])
  }

  private static func lines(_ arguments: [String]) throws -> [Line] {
    let result = try run(["objdump", "-w"] + arguments, within: 120)
    return result.outputText.split(separator: "\n").compactMap(line)
  }

  private static func line(_ text: Substring) -> Line? {
    let columns = text.split(separator: "\t", omittingEmptySubsequences: false)
    guard columns.count >= 2, let address = UInt64(columns[0].drop { $0 == " " }.dropLast(), radix: 16) else { return nil }
    let bytes = columns[1].split(separator: " ").compactMap { UInt8($0, radix: 16) }
    let words = columns.count > 2 ? columns[2].split(separator: " ").joined(separator: " ") : ""
    return Line(address: address, bytes: bytes, text: words)
  }
}
