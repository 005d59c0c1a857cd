import Foundation
import Glibc
import KernelABI
import TestSupport
import TraceFormat

/// A trace of a few events with mapped files, made without a program; and what a test wants to know of it afterwards.
struct SmallTrace {
  let root: TemporaryDirectory
  var directory: String { root.file("trace") }
  var files: String { directory + "/files" }

  struct File {
    var name: String
    var text: String
    var policy = FileStoringPolicy.linkAllowed
    /// Left where it is: the trace only has its path.
    var isOutside = false
  }

  /// Each file is mapped at an event of its own. `isCutShort`: no end event.
  init(_ mapped: [File], isCutShort: Bool = false, header: TraceHeader = TraceHeader()) throws {
    root = try TemporaryDirectory("packing")
    _ = try root.makeDirectory("trace")
    let writer = try TraceWriter(directory: root.file("trace"), header: header, threadCount: 1)
    for file in mapped {
      try append(file, to: writer)
      writer.append(TraceEvent(tid: Tid(1), ticks: 0, monotonicNanoseconds: 0, kind: .preemption, registers: nil))
    }
    if !isCutShort {
      writer.append(TraceEvent(tid: Tid(0), ticks: 0, monotonicNanoseconds: 0, kind: .end, registers: nil))
    }
    try writer.finish()
  }

  private func append(_ file: File, to writer: TraceWriter) throws {
    let path = root.file(file.name)
    if access(path, F_OK) != 0 { try root.write(file.text, to: file.name) }
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var status = stat()
    fstat(descriptor, &status)
    let source: MappingRecord.Source =
      file.isOutside
      ? .outsideFile(path)
      : .traceFile(try writer.storeFile(descriptor: descriptor, originalPath: path, policy: file.policy))
    let data = writer.appendData(UnsafeRawBufferPointer(start: nil, count: 0))
    for source in [source, .data(data), .zero] {
      var record = MappingRecord(
        event: writer.nextEventNumber, tid: Tid(1), range: RemoteRange(RemotePointer(0x1000), byteCount: 0x1000),
        protection: 1, flags: 2, name: path, source: source)
      record.device = UInt64(status.st_dev)
      record.inode = UInt64(status.st_ino)
      record.fileSize = UInt64(status.st_size)
      record.fileModified = status.modified
      writer.append(record)
    }
  }

  /// All records that name a stored file, with the text of that file.
  func storedTexts() throws -> [(record: MappingRecord, name: String, text: String)] {
    let cursor = try TraceReader(directory: directory).mappingCursor()
    var found: [(record: MappingRecord, name: String, text: String)] = []
    while let record = try cursor.next() {
      guard case .traceFile(let name) = record.source else { continue }
      found.append((record, name, try String(contentsOfFile: files + "/" + name, encoding: .utf8)))
    }
    return found
  }

  func records() throws -> [MappingRecord] {
    let cursor = try TraceReader(directory: directory).mappingCursor()
    var records: [MappingRecord] = []
    while let record = try cursor.next() { records.append(record) }
    return records
  }

  var storedNames: [String] { TemporaryDirectory.contents(files).sorted() }

  /// Inode, times, links and content of everything in the trace: what any change would show in.
  func state() throws -> [String: String] { try Self.state(of: directory) }

  static func state(of directory: String) throws -> [String: String] {
    var state: [String: String] = [:]
    for name in [""] + (FileManager.default.subpaths(atPath: directory) ?? []) {
      let path = directory + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { throw TestFailure("can't look at \(path)") }
      let isRegular = status.st_mode & S_IFMT == S_IFREG
      let content = isRegular ? try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString() : ""
      state[name] = "\(status.st_ino) \(status.st_nlink) \(status.modified) \(status.st_ctim.tv_nsec) \(content)"
    }
    return state
  }
}
