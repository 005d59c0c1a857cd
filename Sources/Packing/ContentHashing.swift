import Glibc
import SystemPackage
import TraceFormat

/// Hashes files on several threads, none twice: those that are one inode, or whose bytes lie in the same blocks of
/// their disk, are read once.
final class ContentHashing: @unchecked Sendable {
  private struct Identity: Hashable {
    var device: UInt64
    var size: Int64
    /// The inode's number, or a digest of where the bytes lie.
    var inode: UInt64?
    var extents: Digest?
  }

  private static let extentCountMax = 1024

  private let monitor = Monitor()
  private var paths: [String] = []
  private var results: [Digest?] = []
  private var nextIndex = 0
  private var runningCount = 0
  private var doneByteCount: UInt64 = 0
  private var totalByteCount: UInt64 = 0
  private var failure: TraceError?

  /// The hashes of these files, in order. The calling thread waits, and tells how far it is.
  static func hashes(
    of paths: [String], onProgress: (Double) -> Void
  ) throws(TraceError) -> [Digest] {
    let hashing = ContentHashing()
    var places: [Int] = []
    var known: [Identity: Int] = [:]
    for path in paths {
      let identities = try hashing.identities(of: path)
      let index = identities.lazy.compactMap { known[$0] }.first ?? hashing.paths.count
      if index == hashing.paths.count { hashing.add(path, identities[0].size) }
      for identity in identities { known[identity] = index }
      places.append(index)
    }
    let digests = try hashing.run(onProgress)
    return places.map { digests[$0] }
  }

  private func add(_ path: String, _ size: Int64) {
    paths.append(path)
    totalByteCount += UInt64(max(0, size))
  }

  private static func open(_ path: String) throws(TraceError) -> CInt {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw systemError("open", path) }
    return descriptor
  }

  private func identities(of path: String) throws(TraceError) -> [Identity] {
    let descriptor = try Self.open(path)
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw systemError("read", path) }
    let device = UInt64(status.st_dev)
    let size = Int64(status.st_size)
    var identities = [Identity(device: device, size: size, inode: UInt64(status.st_ino))]
    if let extents = FileExtents(descriptor: descriptor, countMax: Self.extentCountMax) {
      identities.append(Identity(device: device, size: size, extents: extents.digest))
    }
    return identities
  }

  // MARK: - Threads

  private func run(_ onProgress: (Double) -> Void) throws(TraceError) -> [Digest] {
    results = paths.map { _ in nil }
    let count = min(paths.count, max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
    var threads: [HelperThread] = []
    runningCount = count
    while threads.count < count {
      do throws(TraceError) {
        threads.append(try HelperThread { [self] in work() })
      } catch {
        // Those that there are do the work.
        guard !threads.isEmpty else { throw error }
        monitor.lock()
        runningCount -= count - threads.count
        monitor.unlock()
        break
      }
    }
    monitor.lock()
    while runningCount > 0 {
      let fraction = totalByteCount == 0 ? 1 : Double(doneByteCount) / Double(totalByteCount)
      monitor.unlock()
      onProgress(min(1, fraction))
      monitor.lock()
      if runningCount > 0 { _ = monitor.wait(until: .soon) }
    }
    monitor.unlock()
    for thread in threads { thread.join() }
    if let failure { throw failure }
    return results.compactMap { $0 }
  }

  private func work() {
    monitor.lock()
    while failure == nil, nextIndex < paths.count {
      let index = nextIndex
      nextIndex += 1
      monitor.unlock()
      do throws(TraceError) {
        let digest = try hash(paths[index])
        monitor.lock()
        results[index] = digest
      } catch {
        monitor.lock()
        if failure == nil { failure = error }
      }
    }
    runningCount -= 1
    monitor.wakeAll()
    monitor.unlock()
  }

  private func hash(_ path: String) throws(TraceError) -> Digest {
    let descriptor = try Self.open(path)
    defer { close(descriptor) }
    return try Digest(ofFile: descriptor, path: path) { byteCount in
      monitor.lock()
      doneByteCount += UInt64(byteCount)
      monitor.unlock()
    }
  }
}

extension timespec {
  /// In a tenth of a second, by CLOCK_MONOTONIC.
  fileprivate static var soon: timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    time.tv_nsec += 100_000_000
    if time.tv_nsec >= 1_000_000_000 {
      time.tv_sec += 1
      time.tv_nsec -= 1_000_000_000
    }
    return time
  }
}
