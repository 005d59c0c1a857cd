import Glibc
import SystemPackage
import TraceFormat

/// The names in a trace's `files/`.
struct StoredNames {
  /// What is being made; an interruption leaves it.
  static let temporaryName = ".pack.new"

  private let path: String

  init(directory: String) throws(TraceError) {
    path = directory + "/" + StoredFile.directoryName
  }

  func all() throws(TraceError) -> [String] {
    guard let stream = opendir(path) else { throw systemError("read", path) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw systemError("read", path) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Whether rrs gives such names: what else somebody put there isn't its to take away.
  func isOurs(_ name: String) -> Bool { name == Self.temporaryName || Self.serial(name) != nil }

  private static func serial(_ name: String) -> Int? {
    guard let dash = name.firstIndex(of: "-") else { return nil }
    return Int(name[..<dash])
  }

  func nextSerial() throws(TraceError) -> Int { (try all().compactMap(Self.serial).max() ?? 0) + 1 }

  /// A failure is one that the next packing meets again.
  func remove(_ name: String) { unlink(path + "/" + name) }

  /// The disk space that is the trace's alone: what has another name elsewhere would be there without it.
  func byteCount() throws(TraceError) -> UInt64 {
    var total: UInt64 = 0
    for name in try all() {
      let status = try fileStatus(path + "/" + name, followingLinks: false)
      if status.st_nlink == 1 { total += status.byteCount }
    }
    return total
  }
}
