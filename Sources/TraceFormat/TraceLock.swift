import Glibc
import SystemPackage

/// Who writes a trace holds this lock on its directory (flock(2)), and those who replay it share one; the kernel takes
/// it away with the process.
package final class TraceLock {
  private var descriptor: CInt

  package enum Use: Sendable {
    /// Nobody else may hold it.
    case writing
    /// The same, after a wait for others to be done.
    case writingNext
    case reading

    fileprivate var operation: CInt {
      switch self {
      case .writing: LOCK_EX | LOCK_NB
      case .writingNext: LOCK_EX
      case .reading: LOCK_SH | LOCK_NB
      }
    }
  }

  package init(directory: String, for use: Use = .writing) throws(TraceError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0 { throw TraceFile.error("open", directory) }
    while flock(descriptor, use.operation) != 0 {
      if errno == EINTR { continue }
      let reason = errno
      close(descriptor)
      throw reason == EWOULDBLOCK ? .inUse(directory: directory) : TraceFile.error("lock", directory, reason)
    }
    self.descriptor = descriptor
  }

  deinit { release() }

  package func release() {
    if descriptor >= 0 {
      // A child that is about to execute something may have the descriptor, too: closing this one wouldn't be enough.
      _ = flock(descriptor, LOCK_UN)
      close(descriptor)
    }
    descriptor = -1
  }
}
