/// Takes the bytes of a connection apart: `$…#cc`, acknowledgements, and the interrupt that comes between packets.
///
/// GDB manual, "Remote Protocol: Overview" (framing, escapes, runs) and "Interrupts".
package struct PacketDecoder {
  package enum Item: Equatable, Sendable {
    /// The payload, without escapes and runs.
    case packet([UInt8])
    /// The checksum doesn't fit, or an escape or a run is broken off.
    case damaged
    /// The payload has more bytes than the limit; it was skipped.
    case tooLong
    /// 0x03.
    case interrupt
    case acknowledged
    /// `-`: the other side wants the last packet once more.
    case refused
  }

  private enum State {
    case between
    case body
    case escape
    case run
    case checksumHigh
    case checksumLow(high: UInt8?)
  }

  package let byteCountMax: Int
  private var state = State.between
  private var payload: [UInt8] = []
  private var sum: UInt8 = 0
  private var isTooLong = false
  private var isBroken = false

  package init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

  /// What `byte` completes. Bytes between packets that mean nothing are skipped.
  package mutating func take(_ byte: UInt8) -> Item? {
    switch state {
    case .between:
      return takeBetween(byte)
    case .body, .escape, .run:
      takeInside(byte)
      return nil
    case .checksumHigh:
      state = .checksumLow(high: Hex.digit(byte))
      return nil
    case .checksumLow(let high):
      return finish(high: high, low: Hex.digit(byte))
    }
  }

  private mutating func takeBetween(_ byte: UInt8) -> Item? {
    switch byte {
    case UInt8(ascii: "$"):
      start()
      return nil
    case 0x03: return .interrupt
    case UInt8(ascii: "+"): return .acknowledged
    case UInt8(ascii: "-"): return .refused
    default: return nil
    }
  }

  private mutating func start() {
    state = .body
    payload.removeAll(keepingCapacity: true)
    sum = 0
    isTooLong = false
    isBroken = false
  }

  private mutating func takeInside(_ byte: UInt8) {
    // Neither of them stands for itself in a payload: a packet was broken off.
    if byte == UInt8(ascii: "$") { return start() }
    if byte == UInt8(ascii: "#") {
      if case .body = state {} else { isBroken = true }
      state = .checksumHigh
      return
    }
    sum &+= byte
    switch state {
    case .escape:
      store(byte ^ 0x20, count: 1)
    case .run:
      // The count of further repeats is that of the character's code over 29.
      if byte >= 32, byte <= 126, let repeated = payload.last {
        store(repeated, count: Int(byte) - 29)
      } else {
        isBroken = true
      }
    default:
      switch byte {
      case UInt8(ascii: "}"):
        state = .escape
        return
      case UInt8(ascii: "*"):
        state = .run
        return
      default: store(byte, count: 1)
      }
    }
    state = .body
  }

  private mutating func store(_ byte: UInt8, count: Int) {
    guard payload.count + count <= byteCountMax else {
      isTooLong = true
      return
    }
    for _ in 0..<count { payload.append(byte) }
  }

  private mutating func finish(high: UInt8?, low: UInt8?) -> Item {
    state = .between
    defer { payload = [] }
    guard let high, let low, high << 4 | low == sum else { return .damaged }
    if isTooLong { return .tooLong }
    return isBroken ? .damaged : .packet(payload)
  }
}
