import CTraceFormat
import Glibc
import SystemPackage

/// Memory that is freed with its owner; aligned for every message.
final class ByteBuffer {
  private(set) var start: UnsafeMutableRawPointer
  private(set) var capacity: Int

  init(capacity: Int) {
    start = .allocate(byteCount: max(capacity, 16), alignment: 16)
    self.capacity = max(capacity, 16)
  }

  deinit { start.deallocate() }

  /// Makes room; what was there is lost.
  func reserve(_ byteCount: Int) {
    guard byteCount > capacity else { return }
    start.deallocate()
    start = .allocate(byteCount: byteCount, alignment: 16)
    capacity = byteCount
  }

  func prefix(_ count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(count <= capacity)
    return UnsafeMutableRawBufferPointer(start: start, count: count)
  }
}

/// An open file of a trace. Offsets are explicit, so several readers can share it.
struct TraceFile: ~Copyable {
  let path: String
  private let descriptor: CInt
  /// Of a member of an archive: where in the file it lies.
  private let range: Range<UInt64>?

  /// For reading. Only regular files: opening a pipe of that name would block, a device would do who knows what.
  init(reading path: String) throws(TraceError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw Self.error("open", path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .system(operation: "read", path: path, errno: .invalidArgument)
    }
    self.path = path
    self.descriptor = descriptor
    range = nil
  }

  /// A new file for writing.
  init(creating path: String) throws(TraceError) {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw Self.error("create", path) }
    self.path = path
    self.descriptor = descriptor
    range = nil
  }

  /// For reading and writing; made where it is missing.
  init(changing path: String) throws(TraceError) {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    if descriptor < 0 { throw Self.error("open", path) }
    self.path = path
    self.descriptor = descriptor
    range = nil
  }

  /// A part of a file that is open for reading, with a descriptor of its own.
  init(part range: Range<UInt64>, of other: CInt, path: String) throws(TraceError) {
    let descriptor = fcntl(other, F_DUPFD_CLOEXEC, 0)
    if descriptor < 0 { throw Self.error("open", path) }
    self.path = path
    self.descriptor = descriptor
    self.range = range
  }

  deinit { close(descriptor) }

  static func error(_ operation: String, _ path: String, _ number: CInt = errno) -> TraceError {
    .system(operation: operation, path: path, errno: Errno(rawValue: number))
  }

  func size() throws(TraceError) -> UInt64 {
    if let range { return UInt64(range.count) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw Self.error("read", path) }
    return UInt64(max(0, status.st_size))
  }

  /// Reads up to the buffer's size, less only at the end of the file; returns the byte count.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(TraceError) -> Int {
    var done = 0
    var wanted = buffer.count
    let start = range?.lowerBound ?? 0
    if let range { wanted = Int(min(UInt64(wanted), offset < range.count ? UInt64(range.count) - offset : 0)) }
    while done < wanted {
      guard let position = off_t(exactly: start + offset + UInt64(done)) else { break }
      let count = pread(descriptor, buffer.baseAddress! + done, wanted - done, position)
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error("read", path)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  func contentHash(_ onBytes: (Int) -> Void) throws(TraceError) -> Digest {
    try Digest(ofFile: descriptor, path: path, onBytes: onBytes)
  }

  /// Has the kernel bring these bytes into memory meanwhile (posix_fadvise(2), POSIX_FADV_WILLNEED).
  func prepareToRead(at offset: UInt64, byteCount: UInt64) {
    let start = range?.lowerBound ?? 0
    _ = posix_fadvise(descriptor, off_t(start + offset), off_t(byteCount), POSIX_FADV_WILLNEED)
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(TraceError) {
    var done = 0
    while done < buffer.count {
      let count = pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + off_t(done))
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error("write", path)
      }
      done += count
    }
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws(TraceError) {
    var failure: TraceError?
    bytes.withUnsafeBytes { buffer in
      do throws(TraceError) { try write(buffer, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Takes back an unfinished write. That it fails too changes nothing: readers ignore an unfinished block.
  func truncate(to size: UInt64) { _ = ftruncate(descriptor, off_t(size)) }

  func setModified(seconds: UInt64) {
    let time = timespec(tv_sec: Int(clamping: seconds), tv_nsec: 0)
    _ = futimens(descriptor, [time, time])
  }

  func cut(to size: UInt64) throws(TraceError) {
    if ftruncate(descriptor, off_t(size)) != 0 { throw Self.error("write", path) }
  }

  func synchronize() throws(TraceError) {
    if let error = synchronizationError() { throw error }
  }

  func synchronizationError() -> TraceError? { fdatasync(descriptor) == 0 ? nil : Self.error("write", path) }
}

/// The error that `body` throws.
func caught(_ body: () throws(TraceError) -> Void) -> TraceError? {
  do throws(TraceError) {
    try body()
    return nil
  } catch {
    return error
  }
}

/// Makes a directory's new names durable.
package func synchronizeDirectory(_ path: String) throws(TraceError) {
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  if descriptor < 0 { throw TraceFile.error("open", path) }
  defer { close(descriptor) }
  if fsync(descriptor) != 0 { throw TraceFile.error("write", path) }
}

/// Removes a directory with all in it; nothing happens where there is none.
func removeTree(_ path: String) throws(TraceError) {
  if unlink(path) == 0 || errno == ENOENT { return }
  guard errno == EISDIR || errno == EPERM, let stream = opendir(path) else { throw TraceFile.error("remove", path) }
  defer { closedir(stream) }
  for name in entryNames(stream) { try removeTree(path + "/" + name) }
  if rmdir(path) != 0 { throw TraceFile.error("remove", path) }
}

/// The names in an open directory, without `.` and `..`.
func entryNames(_ stream: OpaquePointer) -> [String] {
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names
}
