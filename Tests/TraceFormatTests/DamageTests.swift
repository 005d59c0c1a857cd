import Foundation
import Glibc
import KernelABI
import SystemPackage
import Testing
import TraceFormat

@Suite struct DamageTests {
  @Test(arguments: streamFileNames) func truncatedAnywhere(stream: String) throws {
    let trace = try SmallTrace()
    let bytes = try #require(trace.files[stream])
    var counts: Set<Int> = []
    for count in 0..<bytes.count {
      try trace.replace(stream, with: Array(bytes.prefix(count)))
      let (eventCount, error, isCutShort) = trace.read()
      // A file that ends early is what a killed recorder leaves: no error, only an end.
      #expect(error == nil && isCutShort, "\(stream) cut at \(count): \(String(describing: error))")
      counts.insert(eventCount)
      if count % 13 == 0 {
        let result = try verifyTrace(directory: trace.directory.path)
        #expect(result.lastGoodEvent >= UInt64(eventCount), "\(stream) cut at \(count)")
        #expect(stream == "events" ? result.isCutShort : !result.isUnaltered, "\(stream) cut at \(count)")
      }
    }
    // The more is there, the more is read: at least one event for each round that was flushed, in most streams.
    #expect(counts.contains(0) && counts.count > 1)
  }

  @Test func truncatedHeader() throws {
    let trace = try SmallTrace(rounds: 1)
    let bytes = try #require(trace.files["header"])
    for count in 0..<bytes.count {
      try trace.replace("header", with: Array(bytes.prefix(count)))
      #expect(trace.read().error != nil)
    }
  }

  /// The index is a shortcut: without it, with half of it or with a wrong one, all is read.
  @Test func truncatedIndex() throws {
    let trace = try SmallTrace()
    let bytes = try #require(trace.files["index"])
    for count in 0..<bytes.count {
      try trace.replace("index", with: Array(bytes.prefix(count)))
      #expect(trace.read().eventCount == trace.contents.events.count)
    }
    #expect(try !verifyTrace(directory: trace.directory.path).isUnaltered)
    unlink(trace.directory.path + "/index")
    #expect(trace.read().eventCount == trace.contents.events.count)
    #expect(try !verifyTrace(directory: trace.directory.path).isUnaltered)
  }

  /// What a killed recorder leaves, and worse: every stream ends somewhere.
  @Test func allStreamsTruncated() throws {
    let trace = try SmallTrace(rounds: 6)
    var generator = trace.generator
    for _ in 0..<400 {
      for name in streamFileNames + ["index"] {
        let bytes = trace.files[name]!
        try trace.replace(name, with: Array(bytes.prefix(generator.number(0...bytes.count))))
      }
      #expect(trace.read().error == nil, trace.generator.comment)
    }
  }

  @Test(arguments: streamFileNames + ["header", "index"]) func flippedBits(file: String) throws {
    let trace = try SmallTrace(rounds: 3)
    var generator = trace.generator
    let bytes = try #require(trace.files[file])
    for offset in bytes.indices {
      var altered = bytes
      altered[offset] ^= 1 << generator.number(0...7)
      try trace.replace(file, with: altered)
      let (count, error, _) = trace.read()
      if file == "index" {
        #expect(count == trace.contents.events.count)
      } else {
        #expect(error != nil, "\(file): bit of byte \(offset) flipped, read \(count) events")
      }
      if offset % 7 == 0, file != "header" {
        let result = try verifyTrace(directory: trace.directory.path)
        #expect(!result.isUnaltered, "\(file): bit of byte \(offset) flipped")
        #expect(result.lastGoodEvent >= UInt64(count), "\(file): bit of byte \(offset) flipped")
      }
    }
  }

  @Test func randomGarbage() throws {
    let trace = try SmallTrace(rounds: 3)
    var generator = trace.generator
    for _ in 0..<500 {
      let name = streamFileNames[generator.number(0...3)]
      var bytes = trace.files[name]!
      switch generator.number(0...3) {
      case 0: bytes += (0..<generator.number(1...500)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      case 1:
        let start = generator.number(0...bytes.count - 1)
        for index in start..<min(start + 64, bytes.count) { bytes[index] = UInt8(truncatingIfNeeded: generator.next()) }
      case 2: bytes.removeSubrange(0..<generator.number(1...bytes.count))
      default: bytes = bytes + bytes
      }
      try trace.replace(name, with: bytes)
      _ = trace.read()
      _ = try verifyTrace(directory: trace.directory.path)
      try trace.replace(name, with: trace.files[name]!)
    }
  }

  /// A file system that had no time left fills with zeros: a clean end, as after a kill.
  @Test func zerosAtTheEnd() throws {
    let trace = try SmallTrace()
    let bytes = try #require(trace.files["events"])
    try trace.replace("events", with: bytes + [UInt8](repeating: 0, count: 5000))
    #expect(trace.read().error == nil)
    // A complete trace has nothing behind its end.
    #expect(try !verifyTrace(directory: trace.directory.path).isUnaltered)
  }

  @Test(arguments: streamFileNames) func verificationNamesTheFirstBadBlock(stream: String) throws {
    let trace = try SmallTrace(rounds: 5)
    let path = trace.directory.path + "/" + stream
    let bytes = try #require(trace.files[stream])
    let clean = try verifyTrace(directory: trace.directory.path)
    #expect(clean.isUnaltered && clean.lastGoodEvent == UInt64(trace.contents.events.count))
    for block in try storedBlocks(bytes) {
      var altered = bytes
      altered[block.offset + StoredBlock.headerByteCount] ^= 0x40
      try trace.replace(stream, with: altered)
      let result = try verifyTrace(directory: trace.directory.path)
      let thorough = try verifyTrace(directory: trace.directory.path, checksRecords: true)
      #expect(thorough.problems == result.problems && thorough.lastGoodEvent == result.lastGoodEvent)
      guard case .damaged(let damage)? = result.problems.first else {
        Issue.record("no damage found")
        continue
      }
      #expect(damage.file == path && damage.block == block.sequence && damage.fileOffset == UInt64(block.offset))
      if stream != "data" { #expect(damage.events == block.first...block.last) }
      if let events = damage.events { #expect(result.lastGoodEvent < events.lowerBound) }
      if stream == "events" { #expect(result.lastGoodEvent == block.first - 1) }
      #expect("\(TraceError.damaged(damage))".contains("block \(block.sequence) at offset \(block.offset)"))
    }
  }

  /// What is lost with a block of this stream and all behind it, from the contents as they were written: the first event
  /// that isn't whole.
  private func firstLostEvent(_ trace: SmallTrace, _ stream: String, _ block: StoredBlock) -> UInt64 {
    guard stream == "data" else { return block.first }
    let ofEvents = trace.contents.events.filter { event in
      (event.memoryWrites.map(\.data) + event.fileWrites.map(\.data)).contains { $0.offset + $0.byteCount > block.first }
    }
    let ofMappings = trace.contents.mappings.filter { mapping in
      if case .data(let range) = mapping.source { range.offset + range.byteCount > block.first } else { false }
    }
    return min(ofEvents.first?.number ?? .max, ofMappings.first?.event ?? .max)
  }

  /// A damaged block in a trace that is whole, and in one whose recorder was killed.
  @Test(arguments: streamFileNames) func theLastGoodEventIsNamed(stream: String) throws {
    let trace = try SmallTrace(rounds: 5, fullOne: 4)
    let events = try storedBlocks(#require(trace.files["events"]))
    let bytes = try #require(trace.files[stream])
    for end in events.indices where end > 0 {
      try trace.restore()
      let last = events[end].first - 1
      try trace.replace("events", with: Array(trace.files["events"]!.prefix(events[end].offset + 161)))
      let cut = try verifyTrace(directory: trace.directory.path)
      #expect(cut.isUnaltered && cut.isCutShort && cut.lastGoodEvent == last)
      for block in try storedBlocks(bytes) where stream != "events" || block.first <= last {
        let lost = firstLostEvent(trace, stream, block)
        var altered = stream == "events" ? Array(bytes.prefix(events[end].offset + 161)) : bytes
        altered[block.offset + StoredBlock.headerByteCount] ^= 0x40
        try trace.replace(stream, with: altered)
        let content = try verifyTrace(directory: trace.directory.path)
        #expect(!content.isUnaltered && content.lastGoodEvent == min(last, lost - 1), "\(stream) at \(block)")
        // Without the header it isn't known whether the last good record is the last one of its event.
        altered[block.offset + 20] ^= 0x40
        try trace.replace(stream, with: altered)
        let header = try verifyTrace(directory: trace.directory.path)
        let known = stream == "mmaps" ? trace.contents.mappings.map(\.event) : trace.contents.tracees.map(\.event)
        let proven = stream == "mmaps" || stream == "tracees" ? (known.last { $0 < lost } ?? 1) - 1 : lost - 1
        #expect(!header.isUnaltered, "\(stream) at \(block)")
        #expect((min(last, proven)...min(last, lost - 1)).contains(header.lastGoodEvent), "\(stream) at \(block)")
      }
    }
  }

  /// Blocks that are each whole, in an order or of an origin that they can't have.
  @Test func exchangedBlocks() throws {
    let trace = try SmallTrace()
    let other = try SmallTrace()
    let bytes = try #require(trace.files["events"])
    let all = try storedBlocks(bytes).map { bytes[$0.offset..<$0.offset + $0.byteCount] }
    for wrong in [[all[1], all[0]] + all[2...], [all[0]] + all[2...], all + [all[0]]] {
      try trace.replace("events", with: wrong.flatMap { $0 })
      #expect(trace.read().error != nil)
      #expect(try !verifyTrace(directory: trace.directory.path).isUnaltered)
    }
    try trace.restore()
    try trace.replace("data", with: other.files["data"]!)
    #expect(trace.read().error != nil)
    try trace.restore()
    #expect(trace.read().eventCount == trace.contents.events.count)
  }

  @Test func unknownVersionIsRefusedByName() throws {
    let trace = try SmallTrace(rounds: 1)
    var bytes = try #require(trace.files["header"])
    for (version, age) in [(7, "newer"), (0, "older")] {
      bytes.replaceSubrange(8..<12, with: [UInt8(version), 0, 0, 0])
      try trace.replace("header", with: bytes)
      let text = "\(try #require(trace.read().error))"
      #expect(text.contains("trace format \(version) is \(age) than this rrs (1)"))
      #expect(text.contains("rrs 0.1"))
      #expect(throws: TraceError.self) { try verifyTrace(directory: trace.directory.path) }
    }
  }

  @Test func whatIsNoTrace() throws {
    let directory = try TemporaryDirectory()
    func error(_ path: String) -> String {
      do throws(TraceError) {
        _ = try TraceReader(directory: path)
        return ""
      } catch {
        return error.description
      }
    }
    #expect(error(directory.path).contains("has no file 'header'"))
    #expect(error(directory.path + "/missing").contains("is not a trace of rrs"))
    #expect(error("/etc/passwd").contains("is not a trace of rrs"))
    mkfifo(directory.path + "/header", 0o644)
    #expect(error(directory.path).contains("header"))
    unlink(directory.path + "/header")
    try Data(repeating: 65, count: 500).write(to: URL(fileURLWithPath: directory.path + "/header"))
    #expect(error(directory.path).contains("is something else"))

    let trace = try SmallTrace(rounds: 1)
    for stream in streamFileNames {
      unlink(trace.directory.path + "/" + stream)
      #expect(error(trace.directory.path).contains("\(stream)' at offset 0: the file is missing"))
      #expect(try !verifyTrace(directory: trace.directory.path).isUnaltered)
      try Data(trace.files[stream]!).write(to: URL(fileURLWithPath: trace.directory.path + "/" + stream))
    }
    #expect(trace.read().error == nil)
  }
}
