import Foundation
import Glibc
import KernelABI
import SystemPackage
import Testing
import TraceFormat

private func run(_ program: String, _ arguments: [String]) throws -> Int32 {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.standardError = FileHandle.nullDevice
  try process.run()
  process.waitUntilExit()
  return process.terminationStatus
}

@Suite struct DiskTests {
  /// A disk that fills leaves a trace that can be read up to the last block that fit.
  @Test(.enabled(if: geteuid() == 0, "mounting a small tmpfs needs root"), arguments: [150_000, 1_300_000])
  func fullDisk(byteCount: Int) throws {
    let directory = try TemporaryDirectory()
    let mount = try directory.make("mount")
    try #require(try run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(byteCount)", "none", mount]) == 0)
    defer { _ = try? run("/bin/umount", ["-l", mount]) }
    var trace = try RandomTrace(generator: .forTest(), directory: mount)
    var failure: TraceError?
    for _ in 0..<200 where failure == nil {
      trace.append(events: 50, dataByteCountMax: 4000)
      do throws(TraceError) { try trace.writer.checkWritable() } catch { failure = error }
    }
    // Going on is harmless, and changes nothing.
    trace.append(events: 500, dataByteCountMax: 4000)
    #expect(throws: TraceError.self) { try trace.finish() }
    guard case .system(_, let path, .noSpace)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(path.hasPrefix(mount) && "\(failure!)".contains("free some space"))

    let reader = try TraceReader(directory: mount)
    let (contents, error) = readAll(reader)
    #expect(error == nil && reader.isCutShort)
    #expect(contents == trace.contents.prefix(contents.events.count), trace.generator.comment)
    #expect(byteCount < 1_000_000 || !contents.events.isEmpty)
    let result = try verifyTrace(directory: mount)
    #expect(result.isUnaltered && result.isCutShort && result.lastGoodEvent == UInt64(contents.events.count))
  }

  private func open(_ path: String) throws -> CInt {
    try FileDescriptor.open(path, .readOnly).rawValue
  }

  private func write(_ path: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  @Test(arguments: [FileStoringPolicy.linkAllowed, .copyOnly]) func storedFiles(policy: FileStoringPolicy) throws {
    let directory = try TemporaryDirectory()
    let traceDirectory = try directory.make("trace")
    let writer = try TraceWriter(directory: traceDirectory, header: TraceHeader())
    var generator = SeededGenerator.forTest()
    let bytes = generator.bytes(300_000)
    let original = directory.path + "/lib x,ü.so"
    try write(original, bytes)
    let descriptor = try open(original)
    defer { close(descriptor) }
    lseek(descriptor, 17, SEEK_SET)
    let name = try writer.storeFile(descriptor: descriptor, originalPath: original, policy: policy)
    #expect(name == "1-lib_x___.so")
    #expect(lseek(descriptor, 0, SEEK_CUR) == 17)
    let again = try open(original)
    defer { close(again) }
    #expect(try writer.storeFile(descriptor: again, originalPath: original, policy: policy) == name)

    let stored = traceDirectory + "/files/" + name
    var before = stat()
    var after = stat()
    #expect(stat(original, &before) == 0 && stat(stored, &after) == 0)
    #expect(before.st_size == after.st_size && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
    if policy == .copyOnly { #expect(before.st_ino != after.st_ino) }
    #expect(FileManager.default.contents(atPath: stored) == Data(bytes))

    // Another content is another file.
    try FileManager.default.removeItem(atPath: original)
    try write(original, [1, 2, 3])
    let changed = try open(original)
    defer { close(changed) }
    let second = try writer.storeFile(descriptor: changed, originalPath: original, policy: policy)
    #expect(second == "2-lib_x___.so")
    #expect(FileManager.default.contents(atPath: stored) == Data(bytes))

    var mapping = MappingRecord(
      event: 1, tid: Tid(1), range: RemoteRange(RemotePointer(4096), byteCount: 4096), protection: 1, flags: 2,
      name: original, source: .traceFile(name))
    mapping.fileSize = UInt64(before.st_size)
    mapping.fileModified = Int64(after.st_mtim.tv_sec) * 1_000_000_000 + Int64(after.st_mtim.tv_nsec)
    writer.append(mapping)
    writer.append(TraceEvent(tid: Tid(0), ticks: 0, monotonicNanoseconds: 0, kind: .end, registers: nil))
    try writer.finish()
    let reader = try TraceReader(directory: traceDirectory)
    #expect(try reader.path(ofStoredFile: name) == stored)
    for bad in ["", "..", "../header", "a/b", "missing"] {
      #expect(throws: TraceError.self) { try reader.path(ofStoredFile: bad) }
    }
    let good = try verifyTrace(directory: traceDirectory)
    #expect(good.isUnaltered && good.storedFileCount == 1 && good.lastGoodEvent == 1)
    try FileManager.default.removeItem(atPath: stored)
    let missing = try verifyTrace(directory: traceDirectory)
    #expect(!missing.isUnaltered && missing.lastGoodEvent == 0)
    #expect("\(missing.problems[0])".contains("the file is missing"))
  }

  /// A file without a name, sparse, with data behind a hole of a terabyte.
  @Test func sparseFileWithoutAName() throws {
    let directory = try TemporaryDirectory()
    let traceDirectory = try directory.make("trace")
    let writer = try TraceWriter(directory: traceDirectory, header: TraceHeader())
    let path = directory.path + "/sparse"
    try write(path, [1, 2, 3])
    let file = try FileDescriptor.open(path, .readWrite)
    defer { try? file.close() }
    let far: Int64 = 1 << 40
    _ = try [UInt8](repeating: 9, count: 10).withUnsafeBytes { try file.writeAll(toAbsoluteOffset: far, $0) }
    unlink(path)
    let name = try writer.storeFile(descriptor: file.rawValue, originalPath: path + " (deleted)", policy: .linkAllowed)
    let stored = traceDirectory + "/files/" + name
    var status = stat()
    #expect(stat(stored, &status) == 0 && status.st_size == far + 10 && status.st_blocks < 1000)
    let copy = try FileDescriptor.open(stored, .readOnly)
    defer { try? copy.close() }
    var bytes = [UInt8](repeating: 0, count: 12)
    _ = try bytes.withUnsafeMutableBytes { try copy.read(fromAbsoluteOffset: far - 1, into: $0) }
    #expect(bytes == [0] + [UInt8](repeating: 9, count: 10) + [0])
  }

  /// Files of other file systems can't be linked: they are copied.
  @Test func fileOfAnotherFileSystem() throws {
    let directory = try TemporaryDirectory()
    let traceDirectory = try directory.make("trace")
    let writer = try TraceWriter(directory: traceDirectory, header: TraceHeader())
    writer.clonesFiles = false
    let path = "/dev/shm/rrs-trace-test-\(getpid())"
    try write(path, [UInt8](repeating: 5, count: 100_000))
    defer { unlink(path) }
    let descriptor = try open(path)
    defer { close(descriptor) }
    let name = try writer.storeFile(descriptor: descriptor, originalPath: path, policy: .linkAllowed)
    let stored = traceDirectory + "/files/" + name
    #expect(FileManager.default.contents(atPath: stored) == Data(repeating: 5, count: 100_000))
  }

  @Test func traceDirectory() throws {
    let directory = try TemporaryDirectory()
    let traces = TraceDirectory(path: directory.path + "/a/b")
    #expect(try traces.traces().isEmpty && traces.latest() == nil)
    #expect(throws: TraceError.self) { try traces.resolve(nil) }
    let first = try traces.create(forProgram: "/usr/bin/env")
    let second = try traces.create(forProgram: "env")
    #expect(first == directory.path + "/a/b/env-0" && second == directory.path + "/a/b/env-1")
    _ = try TraceWriter(directory: first, header: TraceHeader())
    try traces.updateLatest(to: first)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: traces.latestLink) == "env-0")
    try traces.updateLatest(to: second)
    let real = try #require(realpath(second, nil).map { String(cString: $0) })
    #expect(traces.latest() == real)
    #expect(try traces.resolve(nil) == real)
    #expect(try traces.resolve("env-1") == real)
    #expect(try traces.resolve(second) == real)
    #expect(try traces.resolve("latest-trace") == real)
    // Elsewhere: the link stays.
    let other = try directory.make("elsewhere")
    try traces.updateLatest(to: other)
    #expect(traces.latest() == real)
    #expect(try traces.resolve(other).hasSuffix("/elsewhere"))
    do throws(TraceError) {
      _ = try traces.resolve("nothing")
      Issue.record("found nothing")
    } catch {
      #expect(error.description.contains("no trace 'nothing'") && error.description.contains("rrs ls"))
    }
    // Only what is a trace is listed.
    #expect(try traces.traces() == [first])
    let long = try traces.create(forProgram: String(repeating: "x", count: 255))
    #expect(FileManager.default.fileExists(atPath: long))
  }
}
