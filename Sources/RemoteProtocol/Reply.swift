/// An answer, before it is framed.
package enum Reply: Equatable, Sendable {
  case ok
  /// The request isn't known: an empty packet.
  case unsupported
  /// `E0d`: a number between 0 and 255 in two digits.
  case error(UInt8)
  /// `E.` and a text for the user.
  case errorText(String)
  /// `E0d;` and a text in digits, as LLDB wants it.
  case errorNumberAndText(UInt8, String)
  case text(String)
  /// Digits for bytes.
  case hex([UInt8])
  case raw([UInt8])
  /// A part of an object (qXfer): the last one, or one that others follow.
  case part([UInt8], isLast: Bool)
  case stop(StopReply)
  case exited(code: UInt8, process: Int32)
  case killed(signal: UInt8, process: Int32)
  /// The result of host I/O, with the bytes read if the request was to read.
  case file(result: Int, data: [UInt8]?)
  /// Failed host I/O, with a number of the protocol's errno.
  case fileError(Int32)

  /// The payload. `withProcess`: the debugger knows of many processes.
  package func payload(withProcess: Bool) -> [UInt8] {
    switch self {
    case .ok: Array("OK".utf8)
    case .unsupported: []
    case .error(let number): Array("E".utf8) + Hex.encode([number])
    case .errorText(let text): Array("E.\(PacketEncoder.plain(text))".utf8)
    case .errorNumberAndText(let number, let text):
      Array("E".utf8) + Hex.encode([number]) + Array(";".utf8) + Hex.encode(text.utf8)
    case .text(let text): Array(text.utf8)
    case .hex(let bytes): Hex.encode(bytes)
    case .raw(let bytes): bytes
    case .part(let bytes, let isLast): Array((isLast ? "l" : "m").utf8) + bytes
    case .stop(let reply): Array(reply.text(withProcess: withProcess).utf8)
    case .exited(let code, let process): Reply.ending("W", code, process, withProcess)
    case .killed(let signal, let process): Reply.ending("X", signal, process, withProcess)
    case .file(let result, let data):
      Array("F\(Hex.text(UInt64(max(0, result))))".utf8) + (data.map { Array(";".utf8) + $0 } ?? [])
    case .fileError(let number): Array("F-1,\(Hex.text(UInt64(UInt32(bitPattern: number))))".utf8)
    }
  }

  private static func ending(_ letter: String, _ number: UInt8, _ process: Int32, _ withProcess: Bool) -> [UInt8] {
    let which = withProcess ? ";process:" + Hex.text(UInt64(UInt32(bitPattern: process))) : ""
    return Array(letter.utf8) + Hex.encode([number]) + Array(which.utf8)
  }

  /// A part of `object` as a qXfer request asks for it, small enough for a packet even if every byte is escaped.
  package static func part(of object: [UInt8], offset: UInt64, count: UInt64, byteCountMax: Int) -> Reply {
    guard offset < UInt64(object.count) else { return .part([], isLast: true) }
    let start = Int(offset)
    let end = start + Int(min(UInt64(object.count - start), count, UInt64(byteCountMax / 2 - 1)))
    return .part(Array(object[start..<end]), isLast: end == object.count)
  }
}

/// The numbers that gdb gives signals, which aren't Linux's. gdb's include/gdb/signals.def.
package enum GDBSignal {
  /// By Linux's number; 0 where gdb has none, as for SIGSTKFLT.
  private static let fromLinux: [UInt8] = [
    0, 1, 2, 3, 4, 5, 6, 10, 8, 9, 30, 11, 31, 13, 14, 15,
    0, 20, 19, 17, 18, 21, 22, 16, 24, 25, 26, 27, 28, 23, 32, 12,
  ]
  /// gdb's "unknown signal".
  private static let unknown: UInt8 = 143

  package static func number(ofLinux signal: Int32) -> UInt8 {
    switch signal {
    case 0: 0
    case 1...31: fromLinux[Int(signal)] == 0 ? unknown : fromLinux[Int(signal)]
    case 32: 77
    case 33...63: UInt8(signal) + 12
    case 64: 78
    default: unknown
    }
  }

  package static func linuxNumber(of signal: Int32) -> Int32? {
    (1...64).first { $0 != 16 && Int32(number(ofLinux: $0)) == signal }
  }
}
