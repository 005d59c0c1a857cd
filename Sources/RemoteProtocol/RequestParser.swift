extension Request {
  /// The meaning of a payload. Whatever the bytes are, the answer is a request.
  package init(parsing payload: [UInt8]) {
    var cursor = TextCursor(payload)
    guard let first = cursor.take() else {
      self = .unknown
      return
    }
    switch first {
    case UInt8(ascii: "q"), UInt8(ascii: "Q"), UInt8(ascii: "v"):
      cursor = TextCursor(payload)
      let name = cursor.letters()
      if let parse = Request.named[name] {
        self = parse(&cursor) ?? .malformed
      } else {
        self = .unknown
      }
    case UInt8(ascii: "_"):
      self = Request.parseAllocation(&cursor) ?? .unknown
    case UInt8(ascii: "b"):
      self = Request.parseReverse(&cursor) ?? .unknown
    default:
      if let parse = Request.lettered[Unicode.Scalar(first)] {
        self = parse(&cursor) ?? .malformed
      } else {
        self = .unknown
      }
    }
  }

  typealias Parse = @Sendable (inout TextCursor) -> Request?

  /// The packets of one letter, after it.
  private static let lettered: [Unicode.Scalar: Parse] = [
    "!": { _ in .extendedMode },
    "?": { _ in .stopReason },
    "c": { _ in .resume([ResumeAction(steps: false)]) },
    "C": { _ in .resume([ResumeAction(steps: false)]) },
    "D": { cursor in
      guard cursor.skip(";") else { return .detach(process: nil) }
      return cursor.int32().map { .detach(process: $0) }
    },
    "g": { cursor in cursor.suffix().map { .readRegisters($0) } },
    "G": { cursor in
      guard let bytes = cursor.hexBytes(), let thread = cursor.suffix() else { return nil }
      return .writeRegisters(bytes, thread)
    },
    "H": { cursor in
      guard let operation = cursor.take(), let selector = cursor.selector() else { return nil }
      switch operation {
      case UInt8(ascii: "c"): return .selectThread(selector, forResuming: true)
      case UInt8(ascii: "g"): return .selectThread(selector, forResuming: false)
      default: return nil
      }
    },
    "k": { _ in .kill },
    "m": { cursor in cursor.range().map { .readMemory($0, count: $1) } },
    "M": { cursor in
      guard let (address, count) = cursor.range(), cursor.skip(":"), let bytes = Hex.decode(cursor.rest()),
        UInt64(bytes.count) == count
      else { return nil }
      return .writeMemory(address, bytes)
    },
    "p": { cursor in
      guard let number = cursor.int(), let thread = cursor.suffix() else { return nil }
      return .readRegister(number, thread)
    },
    "P": { cursor in
      guard let number = cursor.int(), cursor.skip("="), let bytes = cursor.hexBytes(), let thread = cursor.suffix()
      else { return nil }
      return .writeRegister(number, bytes, thread)
    },
    "s": { _ in .resume([ResumeAction(steps: true)]) },
    "S": { _ in .resume([ResumeAction(steps: true)]) },
    "T": { cursor in cursor.selector().map { .isThreadAlive($0) } },
    "x": { cursor in cursor.range().map { .readMemoryBinary($0, count: $1) } },
    "X": { cursor in
      guard let (address, count) = cursor.range(), cursor.skip(":") else { return nil }
      let bytes = Array(cursor.rest())
      return UInt64(bytes.count) == count ? .writeMemory(address, bytes) : nil
    },
    "z": { cursor in cursor.breakpoint().map { .removeBreakpoint($0) } },
    "Z": { cursor in cursor.breakpoint().map { .insertBreakpoint($0) } },
  ]

  private static func parseReverse(_ cursor: inout TextCursor) -> Request? {
    switch cursor.rest() {
    case [UInt8(ascii: "c")]: .reverseContinue
    case [UInt8(ascii: "s")]: .reverseStep
    default: nil
    }
  }

  private static func parseAllocation(_ cursor: inout TextCursor) -> Request? {
    switch cursor.take() {
    case UInt8(ascii: "M"):
      guard let count = cursor.number(), cursor.skip(",") else { return .malformed }
      return .allocate(count: count, permissions: String(decoding: cursor.rest(), as: UTF8.self))
    case UInt8(ascii: "m"):
      return cursor.number().map { .deallocate($0) } ?? .malformed
    default: return nil
    }
  }
}

extension TextCursor {
  /// `address,count`.
  mutating func range() -> (UInt64, UInt64)? {
    guard let address = number(), skip(","), let count = number() else { return nil }
    return (address, count)
  }

  /// LLDB's `;thread:ID;` at the end of a packet: the inner value is nil where there is none, the outer if it is
  /// broken.
  mutating func suffix() -> ThreadSelector?? {
    guard !isAtEnd else { return .some(nil) }
    guard skip(";") else { return nil }
    guard !isAtEnd else { return .some(nil) }
    guard skip("thread:"), let thread = selector() else { return nil }
    return isAtEnd || skip(";") && isAtEnd ? .some(thread) : nil
  }

  /// `kind,address,count` and conditions: `;X` with their length and bytes, one after the other.
  mutating func breakpoint() -> BreakpointRequest? {
    guard let kind = take(), (UInt8(ascii: "0")...UInt8(ascii: "4")).contains(kind), skip(","),
      let (address, count) = range()
    else { return nil }
    var request = BreakpointRequest(kind: kind - UInt8(ascii: "0"), address: address, byteCount: count)
    _ = skip(";")
    while skip("X") {
      guard let length = int(), skip(","), let bytes = hexDigits(count: length) else { return nil }
      request.conditions.append(bytes)
      _ = skip(";")
    }
    return isAtEnd ? request : nil
  }

  /// That many bytes, as digits.
  private mutating func hexDigits(count: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    for _ in 0..<count {
      guard let high = take().flatMap(Hex.digit), let low = take().flatMap(Hex.digit) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}
