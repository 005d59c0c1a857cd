import Glibc
import SystemPackage

/// Where a trace that is read has its files: in a directory, or in an archive.
package final class TraceStorage: @unchecked Sendable {
  /// Of the directory, or of the archive.
  package let path: String
  private let archive: TraceArchive?

  /// Opens an archive, and takes any other path for a directory's.
  package init(path: String) throws(TraceError) {
    self.path = path
    var status = stat()
    let isFile = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    archive = isFile ? try TraceArchive(reading: path) : nil
  }

  package var isArchive: Bool { archive != nil }

  /// Of an archive: throws where it holds something beside the trace.
  func checkGaps() throws(TraceError) { try archive?.checkGaps() }

  func open(_ name: String) throws(TraceError) -> TraceFile {
    if let archive { return try archive.open(name) }
    return try TraceFile(reading: path + "/" + name)
  }

  /// The names of the files in a directory of the trace; none where it isn't there.
  func names(in directory: String) -> [String] {
    if let archive { return archive.names(in: directory) }
    guard let stream = opendir(path + "/" + directory) else { return [] }
    defer { closedir(stream) }
    return entryNames(stream)
  }

  /// A path of a stored file's bytes, to be opened as long as this is there.
  func path(ofStoredFile name: String) throws(TraceError) -> String {
    if let archive, isStoredFileName(name) { return try archive.path(ofStoredFile: name) }
    let path = StoredFile(directory: path, name: name).path
    var status = stat()
    guard isStoredFileName(name), lstat(path, &status) == 0 else {
      throw .damaged(TraceDamage(file: path, block: nil, fileOffset: 0, reason: "the file is missing"))
    }
    if status.st_mode & S_IFMT == S_IFLNK, stat(path, &status) != 0 {
      throw .damaged(
        TraceDamage(file: path, block: nil, fileOffset: 0, reason: "the file that this link leads to is missing"))
    }
    return path
  }

  /// Of a packed trace: a path of what stands for an absolute path of the recorded machine; nil where nothing does.
  package func path(inSystemRoot recorded: String) -> String? {
    archive.map { $0.path(inSystemRoot: recorded) } ?? SystemRoot(directory: path).location(recorded)
  }

  /// What /proc/PID/maps shows for what is mapped from a stored file, where that isn't its path.
  package func shownName(ofStoredFile name: String) -> String? {
    // A memory file has no name anywhere (proc(5), "/proc/pid/maps").
    isArchive ? "/memfd:\(TraceArchive.memoryFileName(name)) (deleted)" : nil
  }

  /// Why a stored file isn't the one that `mapping` refers to, nil if it is.
  func damage(ofStoredFile name: String, for mapping: MappingRecord, onBytes: (Int) -> Void) -> TraceDamage? {
    if let archive { return archive.damage(ofStoredFile: name, for: mapping, onBytes: onBytes) }
    return StoredFile(directory: path, name: name).damage(for: mapping, onBytes: onBytes)
  }
}
