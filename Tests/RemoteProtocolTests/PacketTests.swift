import RemoteProtocol
import TestSupport
import Testing

/// Frames, byte by byte.
@Suite struct PacketTests {
  static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  static func items(_ bytes: [UInt8], byteCountMax: Int = 100) -> [PacketDecoder.Item] {
    var decoder = PacketDecoder(byteCountMax: byteCountMax)
    return bytes.compactMap { decoder.take($0) }
  }

  static let frames: [(String, [PacketDecoder.Item])] = [
    ("$#00", [.packet([])]),
    ("$OK#9a", [.packet(bytes("OK"))]),
    ("$OK#9A", [.packet(bytes("OK"))]),
    ("+$?#3f-", [.acknowledged, .packet(bytes("?")), .refused]),
    ("$g#67$g#67", [.packet(bytes("g")), .packet(bytes("g"))]),
    ("\u{3}", [.interrupt]),
    ("$c#63\u{3}", [.packet(bytes("c")), .interrupt]),
    // Inside of a packet, 0x03 is data.
    ("$X\u{3}#5b", [.packet([0x58, 3])]),
    // `}` takes the next character with bit 5 changed.
    ("$}\u{3}}\u{4}}]}\n#62", [.packet(bytes("#$}*"))]),
    // 'a', and then as many more as the character says beyond 29.
    ("$a*\u{20}#ab", [.packet(bytes("aaaa"))]),
    ("$0* 1#ab", [.packet(bytes("00001"))]),
    ("$OK#00", [.damaged]),
    ("$OK#zz", [.damaged]),
    ("$OK}#17", [.damaged]),
    ("$OK*#c4", [.damaged]),
    ("$*a#8b", [.damaged]),
    // A packet that begins in the middle of another was sent anew.
    ("$O$OK#9a", [.packet(bytes("OK"))]),
    ("noise$OK#9a noise", [.packet(bytes("OK"))]),
  ]

  @Test(arguments: frames.indices) func frame(_ index: Int) {
    let (text, expected) = Self.frames[index]
    #expect(Self.items(Self.bytes(text)) == expected, "\(text.debugDescription)")
  }

  @Test func everyPayloadComesBack() {
    var random = SeededRandom()
    for _ in 0..<2000 {
      let payload = (0..<Int.random(in: 0..<60, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      #expect(Self.items(PacketEncoder.frame(payload)) == [.packet(payload)], "seed \(random.seed)")
    }
    #expect(Self.items(PacketEncoder.frame(Array(0...255)), byteCountMax: 256) == [.packet(Array(0...255))])
  }

  @Test func everyDamagedByteIsNoticed() {
    let frame = PacketEncoder.frame(Self.bytes("m7fffffffe000,40"))
    for index in 1..<frame.count {
      for bit in 0..<8 {
        var damaged = frame
        damaged[index] ^= 1 << UInt8(bit)
        // The case of the checksum's digits doesn't matter.
        if index >= frame.count - 2, damaged[index] == frame[index] ^ 0x20, frame[index] >= 0x61 { continue }
        let items = Self.items(damaged)
        #expect(!items.contains { if case .packet = $0 { true } else { false } }, "byte \(index), bit \(bit)")
      }
    }
  }

  @Test func tooLongPacketsAreSkippedAndTheNextOneIsRead() {
    let long = PacketEncoder.frame([UInt8](repeating: 0x61, count: 101))
    let short = PacketEncoder.frame([UInt8](repeating: 0x61, count: 100))
    #expect(Self.items(long + short) == [.tooLong, .packet([UInt8](repeating: 0x61, count: 100))])
    // A run counts as what it stands for.
    #expect(Self.items(Self.bytes("$a*~*~#b1")) == [.tooLong])
  }

  // MARK: The channel

  /// What comes out must not depend on how the bytes came in.
  @Test func splitAtEveryByte() {
    let stream =
      PacketEncoder.frame(Self.bytes("qSupported:multiprocess+")) + Self.bytes("+") + PacketEncoder.frame([0x58, 0x7d, 3])
      + [3] + PacketEncoder.frame(Self.bytes("vCont;c"))
    func messages(_ parts: [ArraySlice<UInt8>]) -> [PacketChannel.Message] {
      var channel = PacketChannel(byteCountMax: 100)
      for part in parts { channel.receive(part) }
      #expect(outgoing(&channel) == Self.bytes("+++"))
      return drain(&channel)
    }
    let whole = messages([stream[...]])
    #expect(whole == [
      .packet(Self.bytes("qSupported:multiprocess+")), .packet([0x58, 0x7d, 3]), .interrupt, .packet(Self.bytes("vCont;c")),
    ])
    for index in 0...stream.count { #expect(messages([stream[..<index], stream[index...]]) == whole, "split at \(index)") }
    #expect(messages(stream.indices.map { stream[$0...$0] }) == whole)
  }

  @Test func damagedPacketsAreAskedForAgainUntilAcknowledgementsEnd() {
    var channel = PacketChannel(byteCountMax: 100)
    channel.receive(Self.bytes("$g#00"))
    #expect(outgoing(&channel) == Self.bytes("-"))
    channel.receive(Self.bytes("$g#67"))
    #expect(outgoing(&channel) == Self.bytes("+"))
    #expect(drain(&channel) == [.packet(Self.bytes("g"))])
    channel.send(Self.bytes("OK"))
    #expect(outgoing(&channel) == Self.bytes("$OK#9a"))
    channel.receive(Self.bytes("-"))
    #expect(outgoing(&channel) == Self.bytes("$OK#9a"))
    channel.receive(Self.bytes("+"))
    #expect(outgoing(&channel) == [])

    channel.acknowledges = false
    channel.receive(Self.bytes("$g#00$g#67-"))
    #expect(outgoing(&channel) == [])
    #expect(drain(&channel) == [.packet(Self.bytes("g"))])
  }

  @Test func interruptsOvertakeWhatWaits() {
    var channel = PacketChannel(byteCountMax: 100)
    channel.receive(Self.bytes("$g#67\u{3}$?#3f"))
    #expect(channel.queuedByteCount == 5)
    let interrupts = [channel.takeInterrupt(), channel.takeInterrupt()]
    #expect(interrupts == [true, false])
    #expect(drain(&channel) == [.packet(Self.bytes("g")), .packet(Self.bytes("?"))])
    #expect(channel.queuedByteCount == 0)
  }

  private func outgoing(_ channel: inout PacketChannel) -> [UInt8] { channel.takeOutgoing() }

  private func drain(_ channel: inout PacketChannel) -> [PacketChannel.Message] {
    var messages: [PacketChannel.Message] = []
    while let message = channel.next() { messages.append(message) }
    return messages
  }

  @Test func plainTextHasNothingToEscape() {
    #expect(PacketEncoder.plain("a*b\n#1 {}$\u{e9}") == "a?b??1 {????")
  }
}
