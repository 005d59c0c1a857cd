import Foundation
import Glibc
import KernelABI
import Packing
import TestSupport
import Testing
import TraceFormat

private func status(_ path: String) -> stat {
  var result = stat()
  #expect(lstat(path, &result) == 0, "\(path)")
  return result
}

@Suite struct PackingTests {
  /// Two files with one content, one that the trace only knows by its path, and one that is a hard link.
  static let mapped: [SmallTrace.File] = [
    .init(name: "lib.so", text: "library"), .init(name: "copy.so", text: "library", policy: .copyOnly),
    .init(name: "outside.so", text: "outside", isOutside: true), .init(name: "program", text: "program"),
    .init(name: "lib.so", text: "library"),
  ]

  @Test func everyContentOnceAndNothingElsewhere() throws {
    let trace = try SmallTrace(Self.mapped)
    let before = try trace.records()
    let result = try packTrace(directory: trace.directory)
    #expect(result.fileCountBefore == 4 && result.fileCountAfter == 3)
    #expect(trace.storedNames.count == 3)
    for name in trace.storedNames { #expect(status(trace.files + "/" + name).st_nlink == 1) }

    let stored = try trace.storedTexts()
    #expect(stored.map(\.text) == ["library", "library", "outside", "program", "library"])
    #expect(Set(stored.map(\.name)).count == 3)
    for (record, _, text) in stored { #expect(record.contentHash == Digest(of: Array(text.utf8))) }
    // All else is as it was.
    let after = try trace.records()
    #expect(after.count == before.count)
    for (old, new) in zip(before, after) {
      var expected = old
      expected.source = new.source
      expected.contentHash = new.contentHash
      #expect(new == expected)
      if case .zero = old.source { #expect(new == old) }
      if case .data = old.source { #expect(new == old) }
    }
    let verification = try verifyTrace(directory: trace.directory)
    #expect(verification.isUnaltered && !verification.isCutShort && verification.lastGoodEvent == 6)
    #expect(verification.storedFileCount == 3)

    for name in ["lib.so", "copy.so", "outside.so", "program"] { unlink(trace.root.file(name)) }
    #expect(try trace.storedTexts().map(\.text) == ["library", "library", "outside", "program", "library"])
  }

  @Test(arguments: [PackOptions.Place.trace, .originals, .directory("shared")])
  func aPackedTraceIsNotTouched(place: PackOptions.Place) throws {
    let trace = try SmallTrace(Self.mapped)
    var options = PackOptions()
    options.place = place
    if case .directory(let name) = place { options.place = .directory(trace.root.file(name)) }
    let first = try packTrace(directory: trace.directory, options: options)
    let state = try SmallTrace.state(of: trace.root.path)
    let second = try packTrace(directory: trace.directory, options: options)
    #expect(try SmallTrace.state(of: trace.root.path) == state)
    #expect(second.fileCountBefore == first.fileCountAfter && second.fileCountAfter == first.fileCountAfter)
    #expect(second.byteCountBefore == first.byteCountAfter && second.byteCountAfter == first.byteCountAfter)
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
  }

  @Test func whatIsLeftOfAnInterruptedPackingGoes() throws {
    let trace = try SmallTrace(Self.mapped)
    for name in ["files/99-left", "files/.pack.new", "files/notes.txt", ".mmaps.new", ".index.new"] {
      try Data([1]).write(to: URL(fileURLWithPath: trace.directory + "/" + name))
    }
    _ = try packTrace(directory: trace.directory)
    #expect(trace.storedNames.count == 4 && trace.storedNames.contains("notes.txt"))
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
    let names = TemporaryDirectory.contents(trace.directory).sorted()
    #expect(names == ["data", "events", "files", "header", "index", "mmaps", "tracees"])
  }

  @Test func aTraceThatWasCutShortStaysSo() throws {
    let trace = try SmallTrace(Self.mapped, isCutShort: true)
    // The recorder was killed in the middle of a block.
    let file = try #require(FileHandle(forWritingAtPath: trace.directory + "/mmaps"))
    try file.seekToEnd()
    try file.write(contentsOf: Data("rrsblock and no more".utf8))
    try file.close()
    _ = try packTrace(directory: trace.directory)
    let reader = try TraceReader(directory: trace.directory)
    #expect(reader.isCutShort && reader.lastEventNumber == 5)
    #expect(try trace.storedTexts().count == 5)
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
  }

  /// Whatever an index is, it is made anew, and until then doesn't matter.
  @Test(arguments: ["missing", "short", "garbage", "of the stream before"]) func index(_ kind: String) throws {
    let trace = try SmallTrace(Self.mapped)
    let index = URL(fileURLWithPath: trace.directory + "/index")
    let before = try Data(contentsOf: index)
    if kind == "of the stream before" { _ = try packTrace(directory: trace.directory) }
    let bad =
      switch kind {
      case "short": before.prefix(160 + 17)
      case "garbage": Data(repeating: 7, count: 500)
      default: before
      }
    if kind == "missing" { unlink(index.path) } else { try bad.write(to: index) }
    #expect(try trace.records().count == 15)
    #expect(try TraceReader(directory: trace.directory).lastEventNumber == 6)
    #expect(try !verifyTrace(directory: trace.directory).isUnaltered)
    _ = try packTrace(directory: trace.directory)
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
    #expect(try Data(contentsOf: index).count == before.count)
  }

  // MARK: - What isn't packed

  private func expectRefusal(_ trace: SmallTrace, _ text: String) throws {
    let state = try trace.state()
    var message = ""
    do throws(TraceError) { _ = try packTrace(directory: trace.directory) } catch { message = "\(error)" }
    #expect(message.contains(text))
    #expect(try trace.state() == state)
  }

  @Test(arguments: ["mmaps", "events", "tracees", "data"]) func damage(stream: String) throws {
    let trace = try SmallTrace(Self.mapped)
    let path = trace.directory + "/" + stream
    let url = URL(fileURLWithPath: path)
    var bytes = try Data(contentsOf: url)
    if bytes.isEmpty { bytes = Data(repeating: 3, count: 200) } else { bytes[bytes.count - 1] ^= 1 }
    try bytes.write(to: url)
    try expectRefusal(trace, "'\(path)'")
  }

  @Test func aLinkWhoseFileWasWrittenInPlace() throws {
    let trace = try SmallTrace(Self.mapped)
    let file = try #require(FileHandle(forWritingAtPath: trace.root.file("program")))
    try file.write(contentsOf: Data("another".utf8))
    try file.close()
    try expectRefusal(trace, "/program' has been changed since the recording")
  }

  @Test func anOutsideFileThatWasChangedOrIsGone() throws {
    let trace = try SmallTrace(Self.mapped)
    try trace.root.write("other", to: "outside.so")
    try expectRefusal(trace, "it has been changed since the recording, and the trace has no copy")
    unlink(trace.root.file("outside.so"))
    try expectRefusal(trace, "outside.so")
  }

  @Test func aTraceWhoseRecoveryWasInterrupted() throws {
    let trace = try SmallTrace(Self.mapped)
    mkdir(trace.directory + "/.recover", 0o700)
    try expectRefusal(trace, "rrs recover '\(trace.directory)'")
  }

  @Test func aTraceThatIsBeingWritten() throws {
    let trace = try SmallTrace(Self.mapped)
    let lock = try TraceLock(directory: trace.directory)
    try expectRefusal(trace, "is being recorded or replayed, or changed by another rrs")
    lock.release()
    _ = try packTrace(directory: trace.directory)

    // Who replays shares it.
    let readers = try (0..<2).map { _ in
      let reader = try TraceReader(directory: trace.directory)
      reader.keepFiles()
      return reader
    }
    #expect(throws: TraceError.inUse(directory: trace.directory)) { try packTrace(directory: trace.directory) }
    withExtendedLifetime(readers) {}

    let directory = try trace.root.makeDirectory("recording")
    let writer = try TraceWriter(directory: directory, header: TraceHeader(), threadCount: 1)
    #expect(throws: TraceError.inUse(directory: directory)) { try packTrace(directory: directory) }
    writer.append(TraceEvent(tid: Tid(0), ticks: 0, monotonicNanoseconds: 0, kind: .end, registers: nil))
    try writer.finish()
    _ = try packTrace(directory: directory)
  }

  @Test func verificationNamesTheFileThatDiffers() throws {
    let trace = try SmallTrace(Self.mapped)
    _ = try packTrace(directory: trace.directory)
    let stored = try #require(try trace.storedTexts().last)
    let path = trace.files + "/" + stored.name
    let time = status(path).st_mtim
    try Data("librery".utf8).write(to: URL(fileURLWithPath: path))
    utimensat(AT_FDCWD, path, [time, time], 0)
    let verification = try verifyTrace(directory: trace.directory)
    #expect(verification.problems.count == 1 && verification.lastGoodEvent == 0)
    #expect("\(verification.problems[0])".contains("'\(path)'"))
    try expectRefusal(trace, "'\(path)' at offset 0: this isn't '\(trace.root.file("lib.so"))' as it was recorded")
  }

  // MARK: - Elsewhere than in the trace

  @Test func linksToOriginals() throws {
    let trace = try SmallTrace(Self.mapped)
    // This one isn't any more what was recorded: only the trace has it.
    try trace.root.write("newer", to: "copy.new")
    rename(trace.root.file("copy.new"), trace.root.file("copy.so"))
    var options = PackOptions()
    options.place = .originals
    let result = try packTrace(directory: trace.directory, options: options)
    #expect(result.fileCountBefore == 4 && result.fileCountAfter == 4)
    let links = trace.storedNames.filter { status(trace.files + "/" + $0).st_mode & S_IFMT == S_IFLNK }
    #expect(trace.storedNames.count == 4 && links.count == 3)
    let targets = try links.map { try FileManager.default.destinationOfSymbolicLink(atPath: trace.files + "/" + $0) }
    #expect(Set(targets) == Set(["lib.so", "outside.so", "program"].map { trace.root.file($0) }))
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
    #expect(try trace.storedTexts().map(\.text) == ["library", "library", "outside", "program", "library"])

    unlink(trace.root.file("program"))
    let problem = try #require(try verifyTrace(directory: trace.directory).problems.first)
    #expect("\(problem)".contains("the file that this link leads to is missing"))
    try trace.root.write("program", to: "program")
    // The same bytes are as good.
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
    _ = try packTrace(directory: trace.directory)
    for name in ["lib.so", "copy.so", "outside.so", "program"] { unlink(trace.root.file(name)) }
    #expect(try verifyTrace(directory: trace.directory).isUnaltered)
  }

  @Test(arguments: ["files", "files/shared", "shared"]) func theTraceItselfIsNothingToShare(name: String) throws {
    let trace = try SmallTrace(Self.mapped)
    let before = try trace.records()
    var options = PackOptions()
    options.place = .directory(trace.directory + "/" + name)
    #expect(throws: TraceError.self) { try packTrace(directory: trace.directory, options: options) }
    #expect(try trace.records() == before)
  }

  @Test func pathsThatLeadOutOfASystemRoot() {
    for bad in ["", "/", "lib/x", "/..", "/../x", "/usr/../../x", "/."] {
      #expect(SystemRoot.components(bad) == nil, "\(bad)")
    }
    #expect(SystemRoot.components("/usr//lib/./x") == ["usr", "lib", "x"])
    #expect(SystemRoot.components("/usr/lib/debug/../obj/x.dwo") == ["usr", "lib", "obj", "x.dwo"])
  }

  /// Files that lie in the same blocks are the same; others, with the same bytes or not, don't seem to be.
  @Test func extents() throws {
    let directory = try TemporaryDirectory("packing")
    func extents(_ name: String, _ byte: UInt8) throws -> Digest? {
      let path = directory.file(name)
      if access(path, F_OK) != 0 { try Data(repeating: byte, count: 100_000).write(to: URL(fileURLWithPath: path)) }
      let descriptor = open(path, O_RDONLY)
      defer { close(descriptor) }
      return FileExtents(descriptor: descriptor, countMax: 100)?.digest
    }
    let one = try extents("one", 1)
    #expect(try extents("one", 1) == one)
    // Some file systems don't tell.
    if one != nil { #expect(try extents("same", 1) != one && extents("other", 2) != one) }
  }

  @Test func directoryThatTracesShare() throws {
    let root = try TemporaryDirectory("packing")
    let first = try SmallTrace(Self.mapped)
    let second = try SmallTrace([.init(name: "other", text: "library"), .init(name: "more", text: "more")])
    var options = PackOptions()
    options.place = .directory(root.file("shared"))
    for (index, trace) in [first, second].enumerated() {
      let moved = root.file("trace-\(index)")
      #expect(rename(trace.directory, moved) == 0)
      _ = try packTrace(directory: moved, options: options)
    }
    let shared = TemporaryDirectory.contents(root.file("shared")).sorted()
    #expect(shared == ["library", "outside", "program", "more"].map { Digest(of: Array($0.utf8)).description }.sorted())
    // Traces and directory move together.
    let elsewhere = try TemporaryDirectory("packing")
    for name in ["shared", "trace-0", "trace-1"] { #expect(rename(root.file(name), elsewhere.file(name)) == 0) }
    for index in 0...1 { #expect(try verifyTrace(directory: elsewhere.file("trace-\(index)")).isUnaltered) }
    unlink(elsewhere.file("shared/" + shared[0]))
    #expect(try (0...1).contains { try !verifyTrace(directory: elsewhere.file("trace-\($0)")).isUnaltered })
  }
}
