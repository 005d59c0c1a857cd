/// Where a request's row is looked up.
extension SubcommandTable {
  /// The row for a request, and whether it is a guess.
  func lookUp(_ request: UInt64, second: UInt64) -> (row: SubcommandRow, isGuess: Bool)? {
    switch self {
    case .ioctl: return IoctlRequests.row(UInt32(truncatingIfNeeded: request))
    default: return nil
    }
  }
}

/// The ioctl requests.
enum IoctlRequests {
  /// The row for a request: known by its full number, else guessed from the direction and the size that it encodes
  /// (asm-generic/ioctl.h: 8 bits number, 8 bits type, 14 bits size, 2 bits direction).
  static func row(_ request: UInt32) -> (row: SubcommandRow, isGuess: Bool) {
    let size = Int(request >> 16 & 0x3fff)
    let kinds: [Parameter.Kind] = request >> 30 & 2 != 0 ? [.inputOutput(.fixed(size), .structure)] : [.hex]
    return (SubcommandRow(UInt64(request), "0x" + String(request, radix: 16), kinds), true)
  }
}
