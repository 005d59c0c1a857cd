import Glibc
import SystemPackage

/// Makes a trace of the archive that comes from a descriptor, which can be a pipe, and returns its directory's path.
///
/// `target` is given the name that the trace had, and says where it goes; nothing may be there. It is made beside that
/// and verified, and has its name only when it is whole: a failure leaves nothing. `path` is what messages call the
/// archive.
package func extractArchive(
  from descriptor: CInt, path: String, target: (String) -> String
) throws(TraceError) -> String {
  var reader = TarReader(path: path) { (buffer, _) throws(TraceError) in
    var done = 0
    while done < buffer.count {
      let count = read(descriptor, buffer.baseAddress! + done, buffer.count - done)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw TraceFile.error("read", path) }
      if count == 0 { break }
      done += count
    }
    return done
  }
  guard let first = try reader.next() else { throw .notATrace(directory: path, reason: "it is empty") }
  let target = target(try ArchivedPath(first, reader).top)
  let extraction = try ArchiveExtraction(path, target)
  do throws(TraceError) {
    try extraction.takeAll(first, &reader)
    try extraction.finish()
  } catch {
    extraction.abandon()
    throw error
  }
  return target
}

private struct ArchiveExtraction {
  private let archivePath: String
  private let target: String
  /// Where the trace is made.
  private let directory: String

  init(_ archivePath: String, _ target: String) throws(TraceError) {
    self.archivePath = archivePath
    self.target = target
    var status = stat()
    if lstat(target, &status) == 0 {
      throw .system(operation: "unpack to", path: target, errno: .fileExists)
    }
    var parent = target.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    let name = parent.popLast() ?? "trace"
    let prefix = (target.hasPrefix("/") ? "/" : "") + parent.map { $0 + "/" }.joined()
    directory = "\(prefix).\(name).unpack.\(getpid())"
    // A trace holds all that the program read: it is nobody else's.
    if mkdir(directory, 0o700) != 0 { throw TraceFile.error("create", directory) }
  }

  func takeAll(_ first: TarHeader, _ reader: inout TarReader) throws(TraceError) {
    var taken: Set<String> = []
    var header: TarHeader? = first
    while let member = header {
      if let inside = try ArchivedPath(member, reader).inside {
        guard taken.insert(inside).inserted else { throw reader.damage("the archive has '\(inside)' twice") }
        try take(member, inside, &reader)
      } else {
        reader.skip(member)
      }
      header = try reader.next()
    }
  }

  private func take(_ member: TarHeader, _ inside: String, _ reader: inout TarReader) throws(TraceError) {
    let suffix = TraceArchive.compressedSuffix
    let isCompressed = member.kind == .file && inside.contains("/") && inside.hasSuffix(suffix)
    let name = isCompressed ? String(inside.dropLast(suffix.count)) : inside
    try makeParents(name)
    if member.kind == .link {
      if symlink(member.target, directory + "/" + name) != 0 { throw TraceFile.error("create", directory + "/" + name) }
      return reader.skip(member)
    }
    let file = try TraceFile(creating: directory + "/" + name)
    var offset: UInt64 = 0
    func put(_ piece: UnsafeRawBufferPointer) throws(TraceError) {
      try file.write(piece, at: offset)
      offset += UInt64(piece.count)
    }
    if isCompressed {
      let decompressor = StreamDecompressor()
      let start = reader
      try reader.forEachPiece(of: member) { (piece) throws(TraceError) in
        guard try decompressor.add(piece, put) else { throw start.damage("'\(inside)' can't be decompressed") }
      }
      guard decompressor.isDone else { throw start.damage("'\(inside)' can't be decompressed") }
    } else {
      try reader.forEachPiece(of: member, put)
    }
    file.setModified(seconds: member.modified)
    try file.synchronize()
  }

  private func makeParents(_ name: String) throws(TraceError) {
    var inner = directory
    for component in name.split(separator: "/").dropLast() {
      inner += "/" + component
      var status = stat()
      if mkdir(inner, 0o755) == 0 { continue }
      let number = errno
      // Nothing is written through a link.
      guard number == EEXIST, lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        throw TraceFile.error("create", inner, number)
      }
    }
  }

  func finish() throws(TraceError) {
    do throws(TraceError) {
      let result = try verifyTrace(directory: directory)
      if let problem = result.problems.first ?? result.checkpointProblems.first { throw problem }
    } catch {
      throw renamed(error)
    }
    try synchronizeDirectory(directory)
    if rename(directory, target) != 0 { throw TraceFile.error("create", target) }
  }

  /// Messages name the archive, not what will be gone.
  private func renamed(_ error: TraceError) -> TraceError {
    switch error {
    case .damaged(var damage):
      if damage.file.hasPrefix(directory) { damage.file = archivePath + damage.file.dropFirst(directory.count) }
      return .damaged(damage)
    case .notATrace(_, let reason): return .notATrace(directory: archivePath, reason: reason)
    case .unknownVersion(_, let found, let supported, let writer):
      return .unknownVersion(directory: archivePath, found: found, supported: supported, writer: writer)
    default: return error
    }
  }

  func abandon() { try? removeTree(directory) }
}
