import Glibc
import TraceFormat

/// Where an archive is written: stdout, or a file that has its name only when it is whole.
struct ArchiveFile: CustomStringConvertible {
  private let path: String

  /// Says at once what could only go wrong later.
  init(_ path: String) throws {
    self.path = path
    if isStandardOutput {
      guard isatty(STDOUT_FILENO) == 0 else {
        throw UsageError("an archive isn't for a terminal: redirect stdout, or name a file")
      }
    } else if FileStatus.exists(path) {
      throw CommandFailure(message: "'\(path)' is there already; choose another name", status: EX_CANTCREAT)
    }
  }

  var isStandardOutput: Bool { path == "-" }

  var description: String { isStandardOutput ? "stdout" : path }

  func write(_ body: (Int32) throws -> Void) throws {
    if isStandardOutput { return try body(STDOUT_FILENO) }
    let new = "\(path).\(getpid()).new"
    // A trace holds all that the program read: it is nobody else's.
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("cannot create '\(new)'") }
    defer { close(descriptor) }
    do {
      try body(descriptor)
      guard fsync(descriptor) == 0, rename(new, path) == 0 else { throw failure("cannot write '\(path)'") }
    } catch {
      unlink(new)
      throw error
    }
  }

  private func failure(_ what: String) -> CommandFailure {
    CommandFailure(message: "\(what): \(FileStatus.errorText(errno))", status: EX_CANTCREAT)
  }
}
