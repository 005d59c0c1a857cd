import CLinuxShim
package import KernelABI

/// getrlimit(2) of tracees: how far a stack may grow is up to its process's limit.
package enum ResourceLimits {
  package static let stackResource: UInt64 = 3

  private struct Limit {
    var current: UInt64 = 0
    var max: UInt64 = 0
  }

  /// The soft limit of the stack's size, in bytes; 0 if it can't be read.
  package static func stack(_ tid: Tid) -> UInt64 { limit(tid, stackResource)?.current ?? 0 }

  /// Sets the soft limit; the hard one is raised where it must be and may be.
  package static func setStack(_ tid: Tid, _ byteCount: UInt64) {
    guard var limit = limit(tid, stackResource), limit.current != byteCount else { return }
    limit.current = byteCount
    limit.max = max(limit.max, byteCount)
    set(tid, stackResource, limit)
  }

  /// As many open files as the hard limit allows, for this process: a replay holds one for each shared file.
  package static func raiseOpenFiles() {
    let openFiles: UInt64 = 7
    guard var limit = limit(Tid(0), openFiles) else { return }
    limit.current = limit.max
    set(Tid(0), openFiles, limit)
  }

  private static func set(_ tid: Tid, _ resource: UInt64, _ limit: Limit) {
    var limit = limit
    _ = withUnsafeMutablePointer(to: &limit) {
      rrs_syscall(SyscallNumber.prlimit64, UInt(tid.rawValue), UInt(resource), UInt(bitPattern: $0), 0, 0, 0)
    }
  }

  private static func limit(_ tid: Tid, _ resource: UInt64) -> Limit? {
    var limit = Limit()
    let result = withUnsafeMutablePointer(to: &limit) {
      rrs_syscall(
        SyscallNumber.prlimit64, UInt(tid.rawValue), UInt(resource), 0, UInt(bitPattern: $0), 0, 0)
    }
    return result == 0 ? limit : nil
  }
}
