import Glibc
import SystemPackage

/// A file in a trace's `files/`. In a packed trace it may be a symbolic link to where its bytes are.
package struct StoredFile: Hashable, Sendable {
  package static let directoryName = "files"

  package var path: String

  package init(path: String) { self.path = path }

  package init(directory: String, name: String) { path = "\(directory)/\(Self.directoryName)/\(name)" }

  /// A name that says what the file was: a serial number and the readable part of the last component.
  package static func name(serial: Int, originalPath: String) -> String {
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

  /// Why this isn't the file that `mapping` refers to, nil if it is. Before a trace is packed, size and modification
  /// time tell; afterwards the bytes themselves.
  package func damage(for mapping: MappingRecord, onBytes: (Int) -> Void = { _ in }) -> TraceDamage? {
    do throws(Flaw) {
      try check(mapping, onBytes)
      return nil
    } catch {
      return TraceDamage(file: path, block: nil, fileOffset: 0, reason: error.reason)
    }
  }

  /// A symbolic link to the recorded file itself, which may have changed since; others lead to copies.
  package var isLinkToOriginal: Bool {
    var first: UInt8 = 0
    let count = withUnsafeMutableBytes(of: &first) {
      readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count == 1 && first == UInt8(ascii: "/")
  }

  private struct Flaw: Error {
    var reason: String
  }

  private func check(_ mapping: MappingRecord, _ onBytes: (Int) -> Void) throws(Flaw) {
    var status = stat()
    if lstat(path, &status) != 0 { throw Flaw(reason: "the file is missing") }
    if status.st_mode & S_IFMT == S_IFLNK, mapping.contentHash != nil, stat(path, &status) != 0 {
      throw Flaw(reason: "the file that this link leads to is missing")
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Flaw(reason: "this is not a regular file") }
    guard let hash = mapping.contentHash else {
      guard UInt64(status.st_size) == mapping.fileSize, status.modified == mapping.fileModified else {
        throw Flaw(
          reason: "'\(mapping.name)' has been changed since the recording: its size or modification time is another")
      }
      return
    }
    guard UInt64(status.st_size) == mapping.fileSize, try contentHash(onBytes) == hash else {
      throw Flaw(reason: "this isn't '\(mapping.name)' as it was recorded: its content is another")
    }
  }

  private func contentHash(_ onBytes: (Int) -> Void) throws(Flaw) -> Digest {
    do throws(TraceError) {
      let file = try TraceFile(reading: path)
      return try file.contentHash(onBytes)
    } catch {
      throw Flaw(reason: "it can't be read: \(error)")
    }
  }
}

extension stat {
  /// Modification time, in nanoseconds since the epoch.
  package var modified: Int64 { Int64(st_mtim.tv_sec) * 1_000_000_000 + Int64(st_mtim.tv_nsec) }
}
