import KernelABI
import Testing
import TraceFormat

/// Messages that are not what an encoder made: digests keep them away from the decoder unless someone forged a trace.
@Suite struct RecordCodingTests {
  private static let interesting: [UInt64] = [
    0, 1, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000_0000_0000, .max, 0xffff_fffc, 0x0000_0001_ffff_ffff,
    0xffff_ffff_0000_0001, 0xffff_ffff_ffff_fff9, 0x0000_0007_0000_0006,
  ]

  /// Alters some words or bytes of a message.
  private func alter(_ message: [UInt64], _ generator: inout SeededGenerator) -> [UInt64] {
    var words = message
    for _ in 0..<generator.number(1...6) {
      let index = generator.number(0...words.count - 1)
      switch generator.number(0...4) {
      case 0: words[index] = Self.interesting[generator.number(0...Self.interesting.count - 1)]
      case 1: words[index] = generator.next()
      case 2: words[index] = words[generator.number(0...words.count - 1)]
      case 3: words[index] &+= UInt64(generator.number(1...16)) << UInt64(generator.number(0...63))
      default: words[index] ^= 1 << UInt64(generator.number(0...63))
      }
    }
    if generator.chance(5) { words.removeLast(generator.number(0...words.count - 1)) }
    return words
  }

  private func words(_ bytes: UnsafeRawBufferPointer) -> [UInt64] {
    stride(from: 0, to: bytes.count, by: 8).map { bytes.load(fromByteOffset: $0, as: UInt64.self) }
  }

  /// Whatever comes, it is a record or an error; its size is bounded by the message's.
  @Test(.timeLimit(.minutes(10))) func alteredMessages() throws {
    let directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path)
    trace.append(events: 300)
    var generator = trace.generator
    let encoder = RecordEncoder()
    let decoder = RecordDecoder()
    var messages = trace.contents.events.map { words(encoder.encode($0)) }
    messages += trace.contents.mappings.map { words(encoder.encode($0)) }
    messages += trace.contents.tracees.map { words(encoder.encode($0)) }
    messages += [words(encoder.encode(generator.header()))]
    var flawCount = 0
    for _ in 0..<40_000 {
      let altered = alter(messages[generator.number(0...messages.count - 1)], &generator)
      altered.withUnsafeBytes { bytes in
        do throws(RecordFlaw) {
          switch generator.number(0...3) {
          case 0:
            let (event, _) = try decoder.event(in: bytes)
            let byteCount = event.extendedState.count + event.memoryWrites.count * 24
            #expect(byteCount <= bytes.count * 32 + 512, generator.comment)
          case 1: _ = try decoder.mapping(in: bytes)
          case 2: _ = try decoder.tracee(in: bytes)
          default: _ = try decoder.header(in: bytes)
          }
        } catch {
          flawCount += 1
          #expect(!error.reason.contains("\n") && !error.reason.isEmpty)
        }
      }
    }
    #expect(flawCount > 1000)
  }

  /// Records that are whole can be read back one after the other, as in a block.
  @Test func messagesFollowEachOther() throws {
    var generator = SeededGenerator.forTest()
    let encoder = RecordEncoder()
    let decoder = RecordDecoder()
    var events: [TraceEvent] = []
    var block: [UInt64] = []
    for number in 1...200 {
      var event = TraceEvent(
        tid: generator.tid(), ticks: generator.next(), monotonicNanoseconds: generator.next(), kind: generator.kind(),
        registers: generator.registers())
      event.number = UInt64(number)
      events.append(event)
      block += words(encoder.encode(event))
    }
    try block.withUnsafeBytes { bytes in
      var offset = 0
      for expected in events {
        let (event, byteCount) = try decoder.event(in: UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        #expect(event == expected, generator.comment)
        offset += byteCount
      }
      #expect(offset == bytes.count)
    }
  }
}
