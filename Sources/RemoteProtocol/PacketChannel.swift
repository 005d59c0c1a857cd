/// One side of a connection: bytes in, messages out; replies in, bytes out. It does no I/O itself.
package struct PacketChannel {
  package enum Message: Equatable, Sendable {
    case packet([UInt8])
    /// A packet above the limit: there is nothing to look at, but an answer is due.
    case tooLong
    case interrupt
  }

  /// Until QStartNoAckMode: each packet is acknowledged, and damaged ones are asked for again.
  package var acknowledges = true
  /// What is to be written to the connection.
  package private(set) var outgoing: [UInt8] = []
  /// The size of the payloads that wait for `next`.
  package private(set) var queuedByteCount = 0

  private var decoder: PacketDecoder
  private var queue: [Message] = []
  /// Where the queue begins; what is before it has been taken.
  private var head = 0
  private var lastFrame: [UInt8] = []

  package init(byteCountMax: Int) { decoder = PacketDecoder(byteCountMax: byteCountMax) }

  package mutating func receive(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      guard let item = decoder.take(byte) else { continue }
      switch item {
      case .packet(let payload):
        acknowledge("+")
        queue.append(.packet(payload))
        queuedByteCount += payload.count + 1
      case .tooLong:
        acknowledge("+")
        queue.append(.tooLong)
        queuedByteCount += 1
      case .damaged:
        acknowledge("-")
      case .interrupt:
        queue.append(.interrupt)
        queuedByteCount += 1
      case .acknowledged:
        break
      case .refused:
        if acknowledges { outgoing += lastFrame }
      }
    }
  }

  private mutating func acknowledge(_ sign: Unicode.Scalar) {
    if acknowledges { outgoing.append(UInt8(ascii: sign)) }
  }

  package mutating func next() -> Message? {
    guard head < queue.count else { return nil }
    let message = queue[head]
    head += 1
    if head == queue.count {
      queue.removeAll(keepingCapacity: true)
      head = 0
    }
    if case .packet(let payload) = message { queuedByteCount -= payload.count }
    queuedByteCount -= 1
    return message
  }

  /// Takes the first interrupt out of the queue, and leaves all else.
  package mutating func takeInterrupt() -> Bool {
    guard let index = queue[head...].firstIndex(of: .interrupt) else { return false }
    queue.remove(at: index)
    queuedByteCount -= 1
    return true
  }

  package mutating func send(_ payload: [UInt8]) {
    lastFrame = PacketEncoder.frame(payload)
    outgoing += lastFrame
  }

  /// What is to be written, which is then gone.
  package mutating func takeOutgoing() -> [UInt8] {
    defer { outgoing = [] }
    return outgoing
  }
}
