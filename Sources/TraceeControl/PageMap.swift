import CLinuxShim
import KernelABI

/// Which pages of a tracee exist (/proc/PID/pagemap, proc_pid_pagemap(5)).
struct PageMap: ~Copyable {
  private let descriptor: Int32

  init(_ tid: Tid) { descriptor = Int32(rrs_open("/proc/\(tid)/pagemap", 0, 0)) }

  deinit { if descriptor >= 0 { _ = rrs_close(descriptor) } }

  /// The parts of the range whose pages are in memory or swapped out; all of it where the kernel doesn't tell.
  func present(in range: RemoteRange) -> [RemoteRange] {
    let presentOrSwapped: UInt64 = 3 << 62
    var found: [RemoteRange] = []
    var entries = [UInt64](repeating: 0, count: 4096)
    var page = range.start.rawValue / pageSize
    let end = range.end.rawValue / pageSize
    while page < end {
      let wanted = min(Int(end - page), entries.count)
      let count = entries.withUnsafeMutableBytes { rrs_pread(descriptor, $0.baseAddress, wanted * 8, page * 8) } / 8
      guard count > 0 else { return found + [RemoteRange(RemotePointer(page * pageSize), range.end)] }
      for index in 0..<count where entries[index] & presentOrSwapped != 0 {
        let start = RemotePointer((page + UInt64(index)) * pageSize)
        if let last = found.last, last.end == start {
          found[found.count - 1].end = start + pageSize
        } else {
          found.append(RemoteRange(start, byteCount: pageSize))
        }
      }
      page += UInt64(count)
    }
    return found
  }
}
