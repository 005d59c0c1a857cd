import Foundation
import Glibc
import KernelABI
import Testing
import TraceFormat

@Suite struct RoundTripTests {
  @Test func emptyTrace() throws {
    let directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path)
    let before = try TraceReader(directory: directory.path)
    #expect(before.isCutShort && before.lastEventNumber == 0)
    #expect(try before.nextEvent() == nil)
    try trace.finish()
    let reader = try TraceReader(directory: directory.path)
    #expect(!reader.isCutShort && reader.lastEventNumber == 1)
    #expect(try reader.nextEvent()?.kind == .end)
    #expect(try reader.nextEvent() == nil)
    #expect(try reader.mappingCursor().next() == nil)
  }

  /// Many blocks of each stream, closed by size and by flushing, on one and on several threads.
  @Test(arguments: [1, 4]) func randomRecords(threadCount: Int) throws {
    let directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path, threadCount: threadCount)
    let comment = trace.generator.comment
    for round in 0..<12 {
      trace.append(events: 400, dataByteCountMax: round % 4 == 0 ? 20_000 : 300)
      if round % 3 == 0 { try trace.writer.flush() }
    }
    try trace.finish()
    let reader = try TraceReader(directory: directory.path)
    #expect(reader.header == trace.writer.header, comment)
    #expect(!reader.isCutShort, comment)
    #expect(reader.lastEventNumber == trace.writer.nextEventNumber - 1, comment)
    let (contents, error) = readAll(reader)
    #expect(error == nil, comment)
    #expect(contents == trace.contents, comment)
    #expect(try list(reader.mappingCursor()) == trace.contents.mappings, comment)
    #expect(try list(reader.traceeCursor()) == trace.contents.tracees, comment)

    let verification = try verifyTrace(directory: directory.path)
    #expect(verification.isUnaltered && !verification.isCutShort, comment)
    #expect(verification.lastGoodEvent == reader.lastEventNumber, comment)
  }

  @Test func seeking() throws {
    let directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path)
    let comment = trace.generator.comment
    for _ in 0..<30 {
      trace.append(events: 100)
      try trace.writer.flush()
    }
    try trace.finish()
    let reader = try TraceReader(directory: directory.path)
    let last = Int(reader.lastEventNumber)
    for _ in 0..<300 {
      let number = trace.generator.number(1...last)
      try reader.seek(toEvent: UInt64(number))
      #expect(try reader.peekEvent()?.number == UInt64(number), comment)
      for index in number..<min(number + 3, last + 1) {
        #expect(try reader.nextEvent() == trace.contents.events[index - 1], comment)
        let expected = trace.contents.mappings.filter { $0.event == UInt64(index) }
        #expect(try reader.mappings(forEvent: UInt64(index)) == expected, comment)
        let tracees = trace.contents.tracees.filter { $0.event == UInt64(index) }
        #expect(try reader.tracees(forEvent: UInt64(index)) == tracees, comment)
      }
    }
    try reader.seek(toEvent: UInt64(last + 1))
    #expect(try reader.nextEvent() == nil)
    #expect(throws: TraceError.noSuchEvent(number: UInt64(last + 2), last: UInt64(last))) {
      try reader.seek(toEvent: UInt64(last + 2))
    }
    #expect(throws: TraceError.noSuchEvent(number: 0, last: UInt64(last))) { try reader.seek(toEvent: 0) }
    let cursor = reader.mappingCursor()
    for _ in 0..<100 {
      let number = trace.generator.number(1...UInt64(last))
      try cursor.seek(toEvent: number)
      #expect(try cursor.next() == trace.contents.mappings.first { $0.event >= number }, comment)
    }
  }

  /// One record of several megabytes makes a block of its own; 20 MB of data stream through.
  @Test func bigRecords() throws {
    let directory = try TemporaryDirectory()
    let writer = try TraceWriter(directory: directory.path, header: TraceHeader())
    var bytes = [UInt8](repeating: 0, count: 20_000_001)
    for index in stride(from: 0, to: bytes.count, by: 97) { bytes[index] = UInt8(truncatingIfNeeded: index / 97) }
    let environment = (0..<60).map { "NAME\($0)=" + String(repeating: "x", count: 100_000) }
    let exec = TraceeRecord(
      event: 1, tid: Tid(7),
      kind: .exec(
        fileName: "/bin/x", commandLine: ["x"], environment: environment, executableBase: .null, interpreterBase: .null,
        interpreterName: "", previousTid: Tid(7)))
    writer.append(exec)
    let range = bytes.withUnsafeBytes { writer.appendData($0) }
    var event = TraceEvent(tid: Tid(7), ticks: 1, monotonicNanoseconds: 2, kind: .imageStart, registers: Registers())
    event.memoryWrites = [MemoryWrite(tid: Tid(7), address: RemotePointer(4096), data: range)]
    writer.append(event)
    writer.append(TraceEvent(tid: Tid(0), ticks: 0, monotonicNanoseconds: 3, kind: .end, registers: nil))
    try writer.finish()

    let reader = try TraceReader(directory: directory.path)
    #expect(try reader.tracees(forEvent: 1) == [exec])
    #expect(try reader.nextEvent()?.memoryWrites.first?.data == range)
    #expect(try reader.data(range) == bytes)
    #expect(try reader.data(range, byteCountMax: 10) == Array(bytes.prefix(10)))
    // Anywhere, forwards and backwards, over block borders.
    var generator = SeededGenerator.forTest()
    for _ in 0..<50 {
      let start = generator.number(0...bytes.count - 5000)
      let part = DataRange(offset: UInt64(start), byteCount: 5000)
      #expect(try reader.data(part) == Array(bytes[start..<start + 5000]), generator.comment)
    }
    #expect(throws: TraceError.self) { try reader.data(DataRange(offset: 20_000_000, byteCount: 2)) }
    #expect(throws: TraceError.self) { try reader.data(DataRange(offset: .max, byteCount: .max)) }
  }

  @Test func recordThatIsTooLargeFailsClearly() throws {
    let directory = try TemporaryDirectory()
    let writer = try TraceWriter(directory: directory.path, header: TraceHeader())
    writer.append(TraceEvent(tid: Tid(1), ticks: 0, monotonicNanoseconds: 0, kind: .preemption, registers: nil))
    try writer.flush()
    let note = String(repeating: "x", count: 17 << 20)
    writer.append(TraceEvent(tid: Tid(1), ticks: 0, monotonicNanoseconds: 0, kind: .note(note), registers: nil))
    #expect(throws: TraceError.self) { try writer.checkWritable() }
    #expect(throws: TraceError.self) { try writer.finish() }
    let reader = try TraceReader(directory: directory.path)
    #expect(reader.lastEventNumber == 1 && reader.isCutShort)
  }

  /// What is appended reaches the disk soon, without any further call: a recorder that is killed while its tracees
  /// sleep keeps it.
  @Test(.timeLimit(.minutes(10))) func partialBlocksAreWrittenByThemselves() throws {
    let directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path)
    for _ in 0..<3 {
      trace.append(events: 5)
      let expected = trace.writer.nextEventNumber - 1
      var last: UInt64 = 0
      while last < expected {
        usleep(20_000)
        last = try TraceReader(directory: directory.path).lastEventNumber
      }
      #expect(readAll(try TraceReader(directory: directory.path)).contents == trace.contents, trace.generator.comment)
    }
  }

  /// A reader that is used while the trace grows sees a prefix of it, always with all that its events need.
  @Test func readingWhileWriting() throws {
    let directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path, threadCount: 3)
    for _ in 0..<15 {
      trace.append(events: 200, dataByteCountMax: 5000)
      let (contents, error) = readAll(try TraceReader(directory: directory.path))
      #expect(error == nil, trace.generator.comment)
      #expect(contents == trace.contents.prefix(contents.events.count), trace.generator.comment)
    }
  }
}
