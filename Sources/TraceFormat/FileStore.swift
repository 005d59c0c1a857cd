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
    path = directory + "/" + StoredFile.directoryName
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

    let name = StoredFile.name(serial: nextSerial, originalPath: originalPath)
    let target = path + "/" + name
    let mayLink = policy == .linkAllowed
    let isLink = try bring(descriptor, originalPath, to: target, status, mayLink: mayLink, clones: clones)
    nextSerial += 1
    stored[identity] = Stored(name: name, isLink: isLink)
    return name
  }

  /// Returns whether it is a hard link.
  private func bring(
    _ source: CInt, _ originalPath: String, to target: String, _ status: stat, mayLink: Bool, clones: Bool
  ) throws(TraceError) -> Bool {
    let descriptor = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw TraceFile.error("create", target) }
    defer { close(descriptor) }
    if clones, FileCopy.clone(source, to: descriptor, status) { return false }
    if mayLink {
      // /proc's link leads to the very file that is mapped, whatever its path leads to by now. Linking fails where it
      // has no name any more, on another file system, and for files of others (proc(5), protected_hardlinks).
      unlink(target)
      if linkat(AT_FDCWD, "/proc/self/fd/\(source)", AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 { return true }
      let again = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if again < 0 { throw TraceFile.error("create", target) }
      defer { close(again) }
      try FileCopy.copy(source, originalPath, to: again, target, status)
    } else {
      try FileCopy.copy(source, originalPath, to: descriptor, target, status)
    }
    return false
  }
}
