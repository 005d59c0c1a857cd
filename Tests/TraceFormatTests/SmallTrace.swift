import Foundation
import Glibc
import KernelABI
import SystemPackage
import Testing
import TraceFormat

/// A small trace with several blocks in each stream, the bytes of its files, and what it says.
struct SmallTrace {
  let directory: TemporaryDirectory
  let files: [String: [UInt8]]
  let contents: TraceContents
  let generator: SeededGenerator

  static let fileNames = ["header", "index"] + streamFileNames

  /// `fullOne`: the event of each round that surely has mappings, tracee records and data.
  init(rounds: Int = 4, fullOne: Int = 0) throws {
    directory = try TemporaryDirectory()
    var trace = try RandomTrace(generator: .forTest(), directory: directory.path)
    for _ in 0..<rounds {
      trace.append(events: 6, dataByteCountMax: 40, fullOne: fullOne)
      try trace.writer.flush()
    }
    try trace.finish()
    contents = trace.contents
    generator = trace.generator
    var files: [String: [UInt8]] = [:]
    for name in Self.fileNames {
      files[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + name)))
    }
    self.files = files
  }

  func replace(_ name: String, with bytes: [UInt8]) throws {
    // Not truncated before: ext4 would write it to the disk at once (ext4(5), auto_da_alloc), thousands of times.
    try bytes.withUnsafeBytes { buffer in
      let descriptor = try FileDescriptor.open(directory.path + "/" + name, .writeOnly)
      try descriptor.closeAfter {
        _ = try descriptor.writeAll(buffer)
        try descriptor.resize(to: Int64(buffer.count))
      }
    }
  }

  func restore() throws {
    for (name, bytes) in files { try replace(name, with: bytes) }
  }

  /// Reads all. It must be an error that names the trace, or events and what belongs to them exactly as written.
  func read() -> (eventCount: Int, error: TraceError?, isCutShort: Bool) {
    let reader: TraceReader
    do throws(TraceError) {
      reader = try TraceReader(directory: directory.path)
    } catch {
      #expect(isClear(error, directory: directory.path), "\(error)")
      return (0, error, true)
    }
    let (read, error) = readAll(reader)
    let count = read.events.count
    #expect(read == contents.prefix(count), generator.comment)
    if let error { #expect(isClear(error, directory: directory.path), "\(error)") }
    if error == nil {
      #expect(reader.lastEventNumber == UInt64(count), generator.comment)
      #expect(reader.isCutShort == (count < contents.events.count), generator.comment)
    }
    // Listings stop, or tell, too.
    _ = try? list(reader.mappingCursor())
    _ = try? list(reader.traceeCursor())
    return (count, error, reader.isCutShort)
  }
}

/// A block's header as docs/trace-format.md describes it.
struct StoredBlock {
  var offset: Int
  var sequence: UInt64
  var byteCount: Int
  var first: UInt64
  var last: UInt64
  static let headerByteCount = 160
}

/// The blocks of a stream.
func storedBlocks(_ bytes: [UInt8]) throws -> [StoredBlock] {
  func number(_ offset: Int, _ byteCount: Int) -> UInt64 {
    bytes[offset..<offset + byteCount].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
  var result: [StoredBlock] = []
  var offset = 0
  while offset < bytes.count {
    try #require(bytes[offset...].starts(with: Array("rrsblock".utf8)))
    let block = StoredBlock(
      offset: offset, sequence: number(offset + 16, 8),
      byteCount: StoredBlock.headerByteCount + Int(number(offset + 24, 4)), first: number(offset + 32, 8),
      last: number(offset + 40, 8))
    result.append(block)
    offset += block.byteCount
  }
  return result
}

