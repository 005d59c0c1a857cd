import Glibc

/// Questions to the file system, without Foundation.
enum FileStatus {
  static func of(_ path: String, followingLinks: Bool = true) -> stat? {
    var result = stat()
    let failed = followingLinks ? stat(path, &result) : lstat(path, &result)
    return failed == 0 ? result : nil
  }

  @Sendable static func isDirectory(_ path: String) -> Bool {
    guard let status = of(path) else { return false }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  static func exists(_ path: String) -> Bool { of(path, followingLinks: false) != nil }

  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init) ?? path
  }

  /// The names in a directory, without `.` and `..`; nil where it can't be read.
  static func entries(_ path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// The bytes that a directory tree takes on disk. A file with several hard links counts as this tree's own.
  static func diskByteCount(_ path: String) -> UInt64 {
    guard let status = of(path, followingLinks: false) else { return 0 }
    var total = UInt64(max(0, status.st_blocks)) * 512
    guard status.st_mode & S_IFMT == S_IFDIR else { return total }
    for name in entries(path) ?? [] { total += diskByteCount(path + "/" + name) }
    return total
  }

  /// Removes a file or a directory tree. Returns the path and errno of the first thing that can't be removed.
  static func removeTree(_ path: String) -> (path: String, errno: Int32)? {
    guard let status = of(path, followingLinks: false) else { return (path, errno) }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in entries(path) ?? [] {
        if let failure = removeTree(path + "/" + name) { return failure }
      }
      return rmdir(path) == 0 ? nil : (path, errno)
    }
    return unlink(path) == 0 ? nil : (path, errno)
  }

  static func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }
}
