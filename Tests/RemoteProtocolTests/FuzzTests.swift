import Foundation
import RemoteProtocol
import TestSupport
import Testing

/// Whatever a connection says, it is answered or skipped, and never costs more memory than the limits allow.
@Suite struct FuzzTests {
  /// RRS_TEST_PACKETS asks for more.
  static let packetCount = ProcessInfo.processInfo.environment["RRS_TEST_PACKETS"].flatMap { Int($0) } ?? 100_000

  static let words: [String] =
    RequestTests.wellFormed.map(\.0) + [":", ";", ",", "p", "-1", ".", "0", "ffffffffffffffff", "7fffffff", "thread:", "X", "="]

  /// A packet that means something, mutilated.
  static func payload(_ random: inout SeededRandom) -> [UInt8] {
    var bytes = Array(words.randomElement(using: &random)!.utf8)
    for _ in 0..<Int.random(in: 0..<4, using: &random) {
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: Int.random(in: 0...bytes.count, using: &random))
      case 1 where !bytes.isEmpty: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random))
      case 2 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      case 3 where !bytes.isEmpty:
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      default: bytes += words.randomElement(using: &random)!.utf8
      }
    }
    return bytes
  }

  @Test func hostilePackets() {
    var random = SeededRandom()
    var unknown = 0
    for _ in 0..<Self.packetCount {
      let payload = Self.payload(&random)
      if Request(parsing: payload) == .unknown { unknown += 1 }
    }
    #expect(unknown < Self.packetCount, "seed \(random.seed)")
  }

  @Test func hostileStreams() {
    var random = SeededRandom()
    var channel = PacketChannel(byteCountMax: 64)
    for round in 0..<Self.packetCount {
      var bytes = PacketEncoder.frame(Self.payload(&random))
      if Bool.random(using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      }
      channel.receive(bytes)
      while let message = channel.next() {
        if case .packet(let payload) = message { #expect(payload.count <= 64, "round \(round), seed \(random.seed)") }
      }
      #expect(channel.queuedByteCount == 0)
      let answered = channel.takeOutgoing().count
      #expect(answered <= bytes.count, "round \(round), seed \(random.seed)")
    }
  }

  /// A packet without an end, or with a run as long as can be.
  @Test func endlessPackets() {
    var decoder = PacketDecoder(byteCountMax: 1 << 10)
    _ = decoder.take(UInt8(ascii: "$"))
    let before = Self.residentKibibytes()
    for _ in 0..<20_000_000 / 2 {
      _ = decoder.take(UInt8(ascii: "a"))
      _ = decoder.take(UInt8(ascii: "b"))
    }
    #expect(Self.residentKibibytes() - before < 64 << 10)
  }

  static func residentKibibytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (status.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
  }

  @Test func hostileConditions() {
    var random = SeededRandom()
    for _ in 0..<Self.packetCount {
      let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in UInt8.random(in: 0..<0x36, using: &random) }
      _ = AgentExpression(bytes).evaluate(register: { UInt64($0) }, read: { _, count in [UInt8](repeating: 7, count: count) })
    }
    #expect(AgentExpression([0x21, 0, 0]).evaluate(register: { _ in nil }, read: { _, _ in nil }) == nil)
  }
}
