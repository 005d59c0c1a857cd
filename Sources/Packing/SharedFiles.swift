import Glibc
import SystemPackage
import TraceFormat

/// A directory in which several traces have their files, one for each content, named by its hash. A trace has symbolic
/// links to them, which stay right when the directories are moved together.
final class SharedFiles {
  /// Absolute, without symbolic links.
  let path: String
  private let fromFiles: String
  /// Two packings into one directory take turns.
  private let lock: TraceLock

  init(_ path: String, from filesDirectory: String) throws(TraceError) {
    if mkdir(path, 0o755) != 0, errno != EEXIST { throw systemError("create", path) }
    let resolved = try Self.resolved(path)
    self.path = resolved
    fromFiles = Self.relativePath(from: try Self.resolved(filesDirectory), to: resolved)
    // `..` alone leads from `files/` to the trace.
    guard fromFiles.hasPrefix("../..") else {
      throw .system(operation: "share files between traces in a part of one,", path: path, errno: .invalidArgument)
    }
    lock = try TraceLock(directory: resolved, for: .writingNext)
  }

  private static func resolved(_ path: String) throws(TraceError) -> String {
    guard let resolved = realpath(path, nil) else { throw systemError("resolve", path) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  static func relativePath(from start: String, to end: String) -> String {
    let start = start.split(separator: "/")
    let end = end.split(separator: "/")
    let common = zip(start, end).prefix { $0 == $1 }.count
    let up = Array(repeating: "..", count: start.count - common)
    return (up + end[common...].map(String.init)).joined(separator: "/")
  }

  /// What a link in `files/` holds.
  func link(to digest: Digest) -> String { "\(fromFiles)/\(digest)" }

  /// Brings a file there, unless it is there already, whole.
  func add(_ file: MappedFile, _ digest: Digest) throws(TraceError) {
    let target = "\(path)/\(digest)"
    var status = stat()
    if lstat(target, &status) == 0, status.isRegular, status.st_size == file.status.st_size,
      try ContentHashing.hashes(of: [target], onProgress: { _ in }) == [digest]
    {
      return
    }
    let temporary = "\(path)/.\(digest).new"
    unlink(temporary)
    try copyFile(file.path, file.status, to: target, by: temporary)
  }
}
