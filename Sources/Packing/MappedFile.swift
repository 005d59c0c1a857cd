import Glibc
import SystemPackage
import TraceFormat

/// A file that mapping records of a trace refer to.
struct MappedFile {
  /// What the records say.
  enum Reference: Hashable {
    case stored(String)
    case outside(String)

    init?(_ source: MappingRecord.Source) {
      switch source {
      case .traceFile(let name): self = .stored(name)
      case .outsideFile(let path): self = .outside(path)
      case .zero, .data: return nil
      }
    }
  }

  var reference: Reference
  /// The first record that refers to it.
  var record: MappingRecord
  /// Where its bytes are.
  var path: String
  var status: stat

  var storedName: String? {
    if case .stored(let name) = reference { name } else { nil }
  }

  /// All that a trace refers to, in the order of their first use.
  static func all(in directory: String, _ rewriter: MappingRewriter) throws(TraceError) -> [MappedFile] {
    var records: [Reference: MappingRecord] = [:]
    var order: [Reference] = []
    try rewriter.forEach { record in
      guard let reference = Reference(record.source), records[reference] == nil else { return }
      records[reference] = record
      order.append(reference)
    }
    var files: [MappedFile] = []
    for reference in order {
      guard let record = records[reference] else { continue }
      files.append(try MappedFile(reference, record, directory))
    }
    return files
  }

  private init(_ reference: Reference, _ record: MappingRecord, _ directory: String) throws(TraceError) {
    self.reference = reference
    self.record = record
    switch reference {
    case .stored(let name):
      path = StoredFile(directory: directory, name: name).path
      status = try fileStatus(path)
    case .outside(let outside):
      path = outside
      status = try fileStatus(path)
      guard status.isUnchanged(since: record) else {
        throw .damaged(
          TraceDamage(
            file: path, block: nil, fileOffset: 0,
            reason: "it has been changed since the recording, and the trace has no copy"))
      }
    }
  }
}

func fileStatus(_ path: String, followingLinks: Bool = true) throws(TraceError) -> stat {
  var status = stat()
  if (followingLinks ? stat(path, &status) : lstat(path, &status)) != 0 { throw systemError("read", path) }
  return status
}

func systemError(_ operation: String, _ path: String) -> TraceError {
  .system(operation: operation, path: path, errno: Errno(rawValue: errno))
}

extension stat {
  var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
  var isLink: Bool { st_mode & S_IFMT == S_IFLNK }
  /// On disk.
  var byteCount: UInt64 { UInt64(max(0, st_blocks)) * 512 }

  func isUnchanged(since record: MappingRecord) -> Bool {
    isRegular && UInt64(st_size) == record.fileSize && modified == record.fileModified
  }

  func hasSameContent(as earlier: stat) -> Bool { st_size == earlier.st_size && modified == earlier.modified }
}
