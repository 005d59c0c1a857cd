import Foundation
import Glibc
import KernelABI
import Testing
import TraceFormat

/// What `recoverTrace` makes of traces that were cut short or are damaged.
@Suite struct RecoveryTests {
  /// Recovers a trace, and checks what it says then. Returns the last event that was good before.
  @discardableResult
  private func recover(_ trace: SmallTrace, _ situation: String) throws -> UInt64 {
    let path = trace.directory.path
    let before = try verifyTrace(directory: path, checksRecords: true)
    guard before.lastGoodEvent > 0 || before.isUnaltered else {
      #expect(throws: TraceError.self, "\(situation)") { try recoverTrace(directory: path) }
      return 0
    }
    let last = Int(before.lastGoodEvent)
    let recovery = try recoverTrace(directory: path)
    let wasWhole = before.isUnaltered && !before.isCutShort
    #expect((recovery == nil) == wasWhole, "\(situation)")
    let after = try verifyTrace(directory: path, checksRecords: true)
    #expect(after.isUnaltered && !after.isCutShort, "\(situation): \(after)")
    #expect(try recoverTrace(directory: path) == nil, "\(situation): recovered twice")

    let reader = try TraceReader(directory: path)
    let (contents, error) = readAll(reader)
    #expect(error == nil && !reader.isCutShort, "\(situation): \(String(describing: error))")
    #expect(contents.prefix(last) == trace.contents.prefix(last), "\(situation)")
    #expect(contents.mappings == trace.contents.prefix(last).mappings, "\(situation)")
    #expect(contents.tracees == trace.contents.prefix(last).tracees, "\(situation)")
    #expect(contents.events.last?.kind == .end, "\(situation)")
    if last < trace.contents.events.count {
      #expect(contents.events.count == last + 2, "\(situation)")
      #expect("\(contents.events[last].kind)".contains("cut short behind event \(last)"), "\(situation)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).allSatisfy { !$0.hasPrefix(".") }, "\(situation)")
    return before.lastGoodEvent
  }

  @Test func whatIsWholeStays() throws {
    let trace = try SmallTrace()
    #expect(try recoverTrace(directory: trace.directory.path) == nil)
    for (name, bytes) in trace.files {
      #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: trace.directory.path + "/" + name))) == bytes)
    }
  }

  @Test(arguments: streamFileNames) func streamsThatEndAnywhere(stream: String) throws {
    let trace = try SmallTrace()
    let bytes = try #require(trace.files[stream])
    let blocks = try storedBlocks(bytes)
    var ends: Set<Int> = [0]
    for block in blocks {
      let end = block.offset + block.byteCount
      ends.formUnion([block.offset + 1, block.offset + 159, block.offset + 160, block.offset + 170, end - 1, end])
    }
    var reached: Set<UInt64> = []
    for end in ends.sorted() {
      try trace.restore()
      try trace.replace(stream, with: Array(bytes.prefix(end)))
      reached.insert(try recover(trace, "\(stream) cut at \(end)"))
    }
    #expect(reached.count > 2)
  }

  /// What a killed recorder leaves, and worse: every stream ends somewhere.
  @Test func allStreamsEndAnywhere() throws {
    let trace = try SmallTrace(rounds: 6)
    var generator = trace.generator
    for round in 0..<200 {
      try trace.restore()
      for name in streamFileNames + ["index"] {
        let bytes = trace.files[name]!
        try trace.replace(name, with: Array(bytes.prefix(generator.number(bytes.count / 4...bytes.count))))
      }
      try recover(trace, "round \(round), seed \(generator.seed)")
    }
  }

  @Test func missingFiles() throws {
    for name in streamFileNames + ["index"] {
      let trace = try SmallTrace(fullOne: 4)
      unlink(trace.directory.path + "/" + name)
      let last = try recover(trace, "without \(name)")
      #expect(name == "index" ? last == UInt64(trace.contents.events.count) : last < 6)
    }
  }

  /// What is cut off a damaged trace is kept: together with the rest it is what was there.
  @Test(arguments: streamFileNames) func flippedBits(stream: String) throws {
    let trace = try SmallTrace(rounds: 3)
    var generator = trace.generator
    let bytes = try #require(trace.files[stream])
    for offset in stride(from: 0, to: bytes.count, by: 11) {
      try trace.restore()
      var altered = bytes
      altered[offset] ^= 1 << generator.number(0...7)
      try trace.replace(stream, with: altered)
      let lost = trace.directory.path + "/lost"
      try? FileManager.default.removeItem(atPath: lost)
      guard try recover(trace, "\(stream): byte \(offset), seed \(generator.seed)") > 0 else { continue }
      for name in streamFileNames {
        let now = try [UInt8](Data(contentsOf: URL(fileURLWithPath: trace.directory.path + "/" + name)))
        let parts = try FileManager.default.contentsOfDirectory(atPath: lost + "/1").filter { $0.hasPrefix(name + "-") }
        let was = name == stream ? altered : trace.files[name]!
        guard let part = parts.first, let cut = part.split(separator: "-").last.flatMap({ Int($0) }) else {
          #expect(now.starts(with: was), "\(name) of \(stream), byte \(offset)")
          continue
        }
        let kept = try [UInt8](Data(contentsOf: URL(fileURLWithPath: lost + "/1/" + part)))
        #expect(Array(now.prefix(cut)) + kept == was, "\(name) of \(stream), byte \(offset)")
      }
    }
  }

  /// Mappings of an event that was never written, in a block that the last events count on.
  @Test func recordsOfTheNextEventGo() throws {
    let directory = try TemporaryDirectory()
    var trace: RandomTrace? = try RandomTrace(generator: .forTest(), directory: directory.path)
    trace?.append(events: 5)
    var mapping = MappingRecord(
      event: 6, tid: Tid(1), range: RemoteRange(RemotePointer(0), RemotePointer(4096)), protection: 1, flags: 2,
      name: "/next", source: .zero)
    mapping.fileSize = 1
    trace?.writer.append(mapping)
    trace?.writer.append(TraceeRecord(event: 6, tid: Tid(1), kind: .detach))
    try trace?.writer.flush()
    #expect(throws: TraceError.inUse(directory: directory.path)) { try recoverTrace(directory: directory.path) }
    let contents = try #require(trace?.contents)
    trace = nil
    #expect(try recoverTrace(directory: directory.path)?.lastGoodEvent == 5)
    let after = try verifyTrace(directory: directory.path, checksRecords: true)
    #expect(after.isUnaltered && !after.isCutShort && after.lastGoodEvent == 7, "\(after)")
    let (read, error) = readAll(try TraceReader(directory: directory.path))
    #expect(error == nil && read.prefix(5) == contents && read.mappings == contents.mappings)
    #expect(read.tracees == contents.tracees)
    #expect(access(directory.path + "/lost", F_OK) != 0)
  }
}
