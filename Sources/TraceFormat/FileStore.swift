import CTraceFormat
import Glibc
import SystemPackage

/// The directory `files/` of a trace that is being written: mapped files, each stored once.
struct FileStore {
  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modifiedSeconds: Int
    var modifiedNanoseconds: Int
  }

  private struct Stored {
    var name: String
    /// It may still change with the original.
    var isLink: Bool
  }

  private let path: String
  private var stored: [Identity: Stored] = [:]
  private var nextSerial = 1

  init(directory: String) throws(TraceError) {
    path = directory + "/files"
    if mkdir(path, 0o755) != 0 { throw TraceFile.error("create", path) }
  }

  mutating func store(
    descriptor: CInt, originalPath: String, policy: FileStoringPolicy, clones: Bool
  ) throws(TraceError) -> String {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw TraceFile.error("read", originalPath) }
    let identity = Identity(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modifiedSeconds: status.st_mtim.tv_sec, modifiedNanoseconds: status.st_mtim.tv_nsec)
    if let earlier = stored[identity], policy == .linkAllowed || !earlier.isLink { return earlier.name }

    let name = Self.name(serial: nextSerial, originalPath: originalPath)
    let target = path + "/" + name
    let mayLink = policy == .linkAllowed
    let isLink = try bring(descriptor, originalPath, to: target, status, mayLink: mayLink, clones: clones)
    nextSerial += 1
    stored[identity] = Stored(name: name, isLink: isLink)
    return name
  }

  /// A name that says what the file was: a serial number and the readable part of the last component.
  private static func name(serial: Int, originalPath: String) -> String {
    let last = originalPath.utf8.split(separator: UInt8(ascii: "/")).last ?? "file".utf8[...]
    let readable = last.prefix(100).map { byte -> Character in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"):
        Character(UnicodeScalar(byte))
      default: "_"
      }
    }
    return "\(serial)-\(String(readable))"
  }

  /// Returns whether it is a hard link.
  private func bring(
    _ source: CInt, _ originalPath: String, to target: String, _ status: stat, mayLink: Bool, clones: Bool
  ) throws(TraceError) -> Bool {
    let descriptor = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw TraceFile.error("create", target) }
    defer { close(descriptor) }
    if clones, rrs_clone_file(descriptor, source) == 0 {
      keepTime(descriptor, status)
      return false
    }
    if mayLink {
      // /proc's link leads to the very file that is mapped, whatever its path leads to by now. Linking fails where it
      // has no name any more, on another file system, and for files of others (proc(5), protected_hardlinks).
      unlink(target)
      if linkat(AT_FDCWD, "/proc/self/fd/\(source)", AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 { return true }
      let again = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if again < 0 { throw TraceFile.error("create", target) }
      defer { close(again) }
      try copy(source, originalPath, to: again, target, status)
    } else {
      try copy(source, originalPath, to: descriptor, target, status)
    }
    return false
  }

  private func copy(
    _ source: CInt, _ originalPath: String, to descriptor: CInt, _ target: String, _ status: stat
  ) throws(TraceError) {
    do throws(TraceError) {
      if ftruncate(descriptor, status.st_size) != 0 { throw TraceFile.error("write", target) }
      // A description of our own: seeking must not move the tracee's. Where it can't be had, holes are copied as zeros.
      let own = open("/proc/self/fd/\(source)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      defer { if own >= 0 { close(own) } }
      var position: off_t = 0
      while let range = nextData(own, from: position, end: status.st_size) {
        try copyRange(source, originalPath, range, to: descriptor, target)
        position = range.upperBound
      }
    } catch {
      unlink(target)
      throw error
    }
    keepTime(descriptor, status)
  }

  /// The next range that isn't a hole: a sparse file of a terabyte must not fill the disk (lseek(2), SEEK_DATA).
  private func nextData(_ own: CInt, from position: off_t, end: off_t) -> Range<off_t>? {
    if position >= end { return nil }
    let start = off_t(rrs_seek_data(own, Int64(position)))
    if start < 0 { return start == -off_t(ENXIO) ? nil : position..<end }
    if start >= end { return nil }
    let hole = off_t(rrs_seek_hole(own, Int64(start)))
    return start..<(hole > start ? min(hole, end) : end)
  }

  private func copyRange(
    _ source: CInt, _ originalPath: String, _ range: Range<off_t>, to descriptor: CInt, _ target: String
  ) throws(TraceError) {
    let chunk = ByteBuffer(capacity: 1 << 20)
    var position = range.lowerBound
    while position < range.upperBound {
      let wanted = min(Int(range.upperBound - position), 64 << 20)
      var count = Int(rrs_copy_file_range(source, descriptor, Int64(position), wanted))
      if count < 0, [-EXDEV, -EINVAL, -EOPNOTSUPP, -ENOSYS, -EPERM, -ETXTBSY].contains(CInt(count)) {
        let part = min(chunk.capacity, wanted)
        count = try copyByHand(source, originalPath, to: descriptor, target, at: position, chunk, part)
      } else if count < 0, count != -Int(EINTR) {
        throw TraceFile.error("write", target, CInt(-count))
      }
      // The file has become shorter: what is missing reads as zero.
      if count == 0 { return }
      position += off_t(max(0, count))
    }
  }

  private func copyByHand(
    _ source: CInt, _ originalPath: String, to descriptor: CInt, _ target: String, at position: off_t,
    _ chunk: ByteBuffer, _ byteCount: Int
  ) throws(TraceError) -> Int {
    let count = pread(source, chunk.start, byteCount, position)
    if count < 0, errno != EINTR { throw TraceFile.error("read", originalPath) }
    var done = 0
    while done < count {
      let written = pwrite(descriptor, chunk.start + done, count - done, position + off_t(done))
      if written < 0, errno != EINTR { throw TraceFile.error("write", target) }
      done += max(0, written)
    }
    return count
  }

  /// Readers tell by the time whether the bytes are those that were mapped. A failure is found by them.
  private func keepTime(_ descriptor: CInt, _ status: stat) {
    let times = [status.st_mtim, status.st_mtim]
    _ = futimens(descriptor, times)
  }
}
