import Glibc
import TraceFormat

/// Where a recording goes.
struct TraceTarget: Sendable {
  let path: String
  /// Chosen with `-o`: `latest-trace` isn't for it.
  let isExact: Bool

  init(exactly directory: String?, in directories: TraceDirectory, program: String) throws {
    guard let directory else {
      path = try directories.create(forProgram: program)
      isExact = false
      return
    }
    isExact = true
    if mkdir(directory, 0o777) != 0 {
      let reason = errno
      guard reason == EEXIST, FileStatus.isDirectory(directory) else {
        throw CommandFailure(
          message: "cannot make the trace directory '\(directory)': \(FileStatus.errorText(reason))",
          status: EX_CANTCREAT)
      }
      guard FileStatus.entries(directory)?.isEmpty == true else {
        throw CommandFailure(
          message: "'\(directory)' isn't empty; give -o a directory that doesn't exist", status: EX_CANTCREAT)
      }
    }
    guard let resolved = realpath(directory, nil) else {
      throw CommandFailure(
        message: "cannot resolve '\(directory)': \(FileStatus.errorText(errno))", status: EX_CANTCREAT)
    }
    path = String(cString: resolved)
    free(resolved)
  }

  /// After a recording that never started: a trace without events helps nobody.
  func removeUnused() {
    _ = FileStatus.removeTree(path)
  }
}

/// Tells the user, and the descriptor of `-p`, where the trace is, once there is one.
struct TraceAnnouncement: Sendable {
  let trace: TraceTarget
  let directories: TraceDirectory
  let descriptor: Int32?

  static func check(descriptor: Int32?) throws {
    guard let descriptor else { return }
    guard fcntl(descriptor, F_GETFD) >= 0 else {
      throw UsageError("descriptor \(descriptor) isn't open; -p takes the number of one that is")
    }
    // A program that inherits it would keep the reader waiting for its end.
    if descriptor > STDERR_FILENO { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  func make() {
    warn("Saving execution to trace directory '\(trace.path)'.")
    if let descriptor {
      StandardOutput.write(Array((trace.path + "\n").utf8), to: descriptor)
      if descriptor > STDERR_FILENO { close(descriptor) }
    }
    guard !trace.isExact else { return }
    do {
      try directories.updateLatest(to: trace.path)
    } catch {
      warn("warning: \(error)")
    }
  }
}
