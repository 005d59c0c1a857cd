import CTraceFormat
package import Glibc
import SystemPackage

/// Copies of whole files with what counts for a trace: the bytes, the holes, and the modification time.
package enum FileCopy {
  /// Makes the target share the source's blocks; false where the file system can't.
  package static func clone(_ source: CInt, to descriptor: CInt, _ status: stat) -> Bool {
    guard rrs_clone_file(descriptor, source) == 0 else { return false }
    keepTime(descriptor, status)
    return true
  }

  /// Copies in the kernel where that can, by hand where it can't. A target that can't be written is taken away.
  package static func copy(
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
  private static func nextData(_ own: CInt, from position: off_t, end: off_t) -> Range<off_t>? {
    if position >= end { return nil }
    let start = off_t(rrs_seek_data(own, Int64(position)))
    if start < 0 { return start == -off_t(ENXIO) ? nil : position..<end }
    if start >= end { return nil }
    let hole = off_t(rrs_seek_hole(own, Int64(start)))
    return start..<(hole > start ? min(hole, end) : end)
  }

  private static func copyRange(
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

  private static func copyByHand(
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
  private static func keepTime(_ descriptor: CInt, _ status: stat) {
    let times = [status.st_mtim, status.st_mtim]
    _ = futimens(descriptor, times)
  }
}
