import Foundation
import Testing
import TraceFormat

/// Headers of archives, also such as no archive of a test needs.
@Suite struct TarHeaderTests {
  /// Reads the members of an archive whose contents aren't there.
  private func headers(_ bytes: [UInt8]) throws -> [TarHeader] {
    var reader = TarReader(path: "test") { (buffer, offset) throws(TraceError) in
      let rest = offset < UInt64(bytes.count) ? bytes[Int(offset)...] : []
      buffer.copyBytes(from: rest.prefix(buffer.count))
      return min(buffer.count, rest.count)
    }
    var headers: [TarHeader] = []
    while let header = try reader.next() { headers.append(header) }
    return headers
  }

  private let end = [UInt8](repeating: 0, count: 2 * TarHeader.byteCount)

  private static let samples: [TarHeader] = [
    TarHeader(path: "trace/events", kind: .file, size: 0, mode: 0o644, modified: 0),
    TarHeader(path: "trace/files", kind: .directory, size: 0, mode: 0o755, modified: 1_900_000_000),
    TarHeader(path: "trace/data", kind: .file, size: 0o777_7777_7777, mode: 0o600, modified: 1_900_000_000),
    TarHeader(path: "trace/data", kind: .file, size: 0o777_7777_7777 + 1, mode: 0o600, modified: 1_900_000_000),
    TarHeader(path: "trace/data", kind: .file, size: 1 << 50, mode: 0o777, modified: 1 << 32),
    TarHeader(path: String(repeating: "n", count: 100), kind: .file, size: 512, mode: 0, modified: 5),
    TarHeader(path: String(repeating: "ü", count: 200), kind: .file, size: 513, mode: 0, modified: 5),
    TarHeader(path: "t/" + String(repeating: "n", count: 990), kind: .file, size: 1 << 40, mode: 0, modified: 5),
  ]

  @Test(arguments: samples) func roundTrip(header: TarHeader) throws {
    #expect(header.bytes.count % TarHeader.byteCount == 0)
    #expect(try headers(header.bytes + header.bytes + end) == [header, header])
  }

  /// tar(1) sees what was meant.
  @Test func tarReadsThem() throws {
    let directory = try TemporaryDirectory()
    let names = ["trace/events", "trace/files/" + String(repeating: "long", count: 40)]
    var bytes: [UInt8] = []
    for name in names {
      bytes += TarHeader(path: name, kind: .file, size: 3, mode: 0o640, modified: 0).bytes
      bytes += Array("abc".utf8) + [UInt8](repeating: 0, count: TarHeader.byteCount - 3)
    }
    try Data(bytes + end).write(to: URL(fileURLWithPath: directory.path + "/archive"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/tar")
    process.arguments = ["-xf", directory.path + "/archive", "-C", directory.path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    for name in names { #expect(try String(contentsOfFile: directory.path + "/" + name, encoding: .utf8) == "abc") }
  }

  @Test func alteredHeadersAreErrors() throws {
    var generator = SeededGenerator.forTest()
    for header in Self.samples {
      let bytes = header.bytes + end
      for _ in 0..<200 {
        var altered = bytes
        let offset = generator.number(0...bytes.count - 1)
        altered[offset] ^= 1 << generator.number(0...7)
        // The records of an extended header have no checksum; what they name is checked by those who use it.
        if header.bytes.count > TarHeader.byteCount, (512..<header.bytes.count - 512).contains(offset) {
          _ = try? headers(altered)
        } else {
          #expect(throws: TraceError.self, "byte \(offset), \(generator.comment)") { try headers(altered) }
        }
      }
      for count in stride(from: 0, to: bytes.count, by: 100) {
        #expect(throws: TraceError.self) { try headers(Array(bytes.prefix(count))) }
      }
    }
  }
}
