import Glibc
import SystemPackage
import TraceFormat

/// One content, and the file in `files/` that all records of it are to name.
struct Group {
  var digest: Digest
  /// Indices of the files with this content.
  var members: [Int] = []
  /// In `files/`; empty where a new one is needed.
  var name = ""
  /// What the file is made of; nil where it is there as it should be.
  var source: Source?

  enum Source {
    case copy(MappedFile)
    case link(String)
    /// A copy in the shared directory, and a link to it.
    case shared(MappedFile)
  }
}

struct GroupKey: Hashable {
  var digest: Digest
  var modified: Int64
}

/// Where the bytes of packed files are to be, and how they get there.
struct PlaceOfFiles {
  private let place: PackOptions.Place
  private let directory: String
  private let filesDirectory: String
  private let shared: SharedFiles?

  init(_ place: PackOptions.Place, _ directory: String) throws(TraceError) {
    self.place = place
    self.directory = directory
    filesDirectory = directory + "/" + StoredFile.directoryName
    if case .directory(let path) = place {
      shared = try SharedFiles(path, from: filesDirectory)
    } else {
      shared = nil
    }
  }

  // MARK: - Deciding

  /// Files that can become one. A link to an original has only that one's modification time, by which a replay tells
  /// whether it was changed.
  func groupKey(_ digest: Digest, _ file: MappedFile) -> GroupKey {
    GroupKey(digest: digest, modified: place == .originals ? file.record.fileModified : 0)
  }

  func group(_ digest: Digest, _ files: [MappedFile]) throws(TraceError) -> Group {
    if let shared {
      let linked = try linkedGroup(digest, files, to: shared.link(to: digest))
      return linked ?? Group(digest: digest, source: .shared(files[0]))
    }
    if place == .originals, let original = try original(of: digest, files) {
      return try linkedGroup(digest, files, to: original) ?? Group(digest: digest, source: .link(original))
    }
    return try copiedGroup(digest, files)
  }

  /// A file of the trace that nobody else has a name for; or one that is to be replaced by such a copy of itself.
  private func copiedGroup(_ digest: Digest, _ files: [MappedFile]) throws(TraceError) -> Group {
    for file in files {
      guard let name = file.storedName else { continue }
      let status = try fileStatus(file.path, followingLinks: false)
      if status.isRegular, status.st_nlink == 1 { return Group(digest: digest, name: name) }
    }
    let file = files.first { $0.storedName != nil } ?? files[0]
    return Group(digest: digest, name: file.storedName ?? "", source: .copy(file))
  }

  private func linkedGroup(_ digest: Digest, _ files: [MappedFile], to target: String) throws(TraceError) -> Group? {
    for file in files {
      if let name = file.storedName, linkTarget(file.path) == target { return Group(digest: digest, name: name) }
    }
    return nil
  }

  /// The path of a file with this content where it was recorded.
  private func original(of digest: Digest, _ files: [MappedFile]) throws(TraceError) -> String? {
    for file in files where file.record.name.hasPrefix("/") {
      var status = stat()
      let path = file.record.name
      if stat(path, &status) != 0 {
        if [ENOENT, ENOTDIR, EACCES, ELOOP].contains(errno) { continue }
        throw systemError("read", path)
      }
      guard status.isUnchanged(since: file.record) else { continue }
      let isSameFile = status.st_dev == file.status.st_dev && status.st_ino == file.status.st_ino
      if isSameFile { return path }
      if try ContentHashing.hashes(of: [path], onProgress: { _ in }) == [digest] { return path }
    }
    return nil
  }

  // MARK: - Doing

  func put(_ group: Group) throws(TraceError) {
    let path = filesDirectory + "/" + group.name
    let temporary = filesDirectory + "/" + StoredNames.temporaryName
    switch group.source {
    case .copy(let file): try copyFile(file.path, file.status, to: path, by: temporary)
    case .link(let target): try link(target, at: path, by: temporary)
    case .shared(let file):
      guard let shared else { return }
      try shared.add(file, group.digest)
      try link(shared.link(to: group.digest), at: path, by: temporary)
    case nil: break
    }
  }

  /// Makes what was put durable.
  func synchronize() throws(TraceError) {
    if let shared { try synchronizeDirectory(shared.path) }
    try synchronizeDirectory(filesDirectory)
  }

  private func link(_ target: String, at path: String, by temporary: String) throws(TraceError) {
    if symlink(target, temporary) != 0 { throw systemError("create", temporary) }
    if rename(temporary, path) != 0 {
      let error = systemError("create", path)
      unlink(temporary)
      throw error
    }
  }
}

func linkTarget(_ path: String) -> String? {
  var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
  let count = target.withUnsafeMutableBytes {
    readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
  }
  return count < 0 ? nil : String(decoding: target[..<count], as: UTF8.self)
}

/// Makes `path` a copy of a file, at once: there is never half of it. It reaches the disk before it gets its name.
func copyFile(_ original: String, _ status: stat, to path: String, by temporary: String) throws(TraceError) {
  let source = open(original, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  if source < 0 { throw systemError("open", original) }
  defer { close(source) }
  let target = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
  if target < 0 { throw systemError("create", temporary) }
  defer { close(target) }
  do throws(TraceError) {
    if !FileCopy.clone(source, to: target, status) {
      try FileCopy.copy(source, original, to: target, temporary, status)
    }
    if fsync(target) != 0 { throw systemError("write", temporary) }
    var after = stat()
    if fstat(source, &after) != 0 { throw systemError("read", original) }
    guard after.hasSameContent(as: status) else {
      throw .damaged(
        TraceDamage(file: original, block: nil, fileOffset: 0, reason: "it has been changed while it was copied"))
    }
    if rename(temporary, path) != 0 { throw systemError("create", path) }
  } catch {
    unlink(temporary)
    throw error
  }
}
