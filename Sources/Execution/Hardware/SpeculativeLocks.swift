import CLinuxShim
import KernelABI

/// AMD Zen's SpecLockMap: a locked instruction is executed before it is known to be the next, and where that was wrong,
/// a branch counts twice. Programs with several threads meet that soon.
package enum SpeculativeLocks {
  /// PMCx025 with unit mask 8, locks that SpecLockMap has committed: it stays at zero where that is turned off.
  private static let commits = PerformanceCounters.Event.raw(0x51_0825)
  private static let enable: UInt = 0x2400

  /// Whether this processor uses them; nil where it can't be told.
  package static func areOn() -> Bool? {
    guard let descriptor = try? PerformanceCounters.open(commits, tid: Tid(0)) else { return nil }
    defer { _ = rrs_close(descriptor) }
    guard rrs_syscall(SyscallNumber.ioctl, UInt(descriptor), enable, 0, 0, 0, 0) == 0 else { return nil }
    var word: UInt64 = 0
    for _ in 0..<1000 { rrs_locked_increment(&word) }
    var count: UInt64 = 0
    return rrs_read(descriptor, &count, 8) == 8 ? count > 0 : nil
  }
}
