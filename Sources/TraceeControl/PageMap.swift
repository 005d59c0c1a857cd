import CLinuxShim
package import KernelABI

/// Which pages of a tracee exist (/proc/PID/pagemap, proc_pid_pagemap(5)).
package struct PageMap: ~Copyable {
  private let descriptor: Int32

  package init(_ tid: Tid) { descriptor = Int32(rrs_open("/proc/\(tid)/pagemap", 0, 0)) }

  deinit { if descriptor >= 0 { _ = rrs_close(descriptor) } }

  /// The parts of the range whose pages are in memory or swapped out; all of it where the kernel doesn't tell. With
  /// `ofFiles` false without those that are a file's own, which nobody has written to.
  package func present(in range: RemoteRange, ofFiles: Bool = true) -> [RemoteRange] {
    scan(range, ofFiles) ?? readEntries(range, ofFiles)
  }

  /// PAGEMAP_SCAN (Linux 6.7): skips what was never touched however large it is. Nil where the kernel lacks it.
  private func scan(_ range: RemoteRange, _ ofFiles: Bool) -> [RemoteRange]? {
    let pagemapScan: UInt = 0xc060_6610
    let file: UInt64 = 1 << 2, present: UInt64 = 1 << 3, swapped: UInt64 = 1 << 4
    var found: [RemoteRange] = []
    var regions = [UInt64](repeating: 0, count: 3 * 512)
    var position = range.start.rawValue
    while position < range.end.rawValue {
      // struct pm_scan_arg: size, flags, start, end, walk_end, vec, vec_len, max_pages, and four masks of categories:
      // those that are inverted, of which all are wanted, of which any is, and that are told.
      let excluded = ofFiles ? 0 : file
      var arguments: [UInt64] = [
        96, 0, position, range.end.rawValue, 0, 0, 512, 0, excluded, excluded, present | swapped, present,
      ]
      let count = regions.withUnsafeMutableBytes { vector in
        arguments[5] = UInt64(UInt(bitPattern: vector.baseAddress))
        return arguments.withUnsafeMutableBytes {
          rrs_syscall(
            SyscallNumber.ioctl, UInt(bitPattern: Int(descriptor)), pagemapScan, UInt(bitPattern: $0.baseAddress), 0,
            0, 0)
        }
      }
      guard count >= 0 else { return nil }
      for index in 0..<count {
        append(RemoteRange(RemotePointer(regions[index * 3]), RemotePointer(regions[index * 3 + 1])), to: &found)
      }
      guard arguments[4] > position else { return found }
      position = arguments[4]
    }
    return found
  }

  private func append(_ range: RemoteRange, to found: inout [RemoteRange]) {
    if let last = found.last, last.end == range.start {
      found[found.count - 1].end = range.end
    } else {
      found.append(range)
    }
  }

  private func readEntries(_ range: RemoteRange, _ ofFiles: Bool) -> [RemoteRange] {
    let presentOrSwapped: UInt64 = 3 << 62, file: UInt64 = 1 << 61
    var found: [RemoteRange] = []
    var entries = [UInt64](repeating: 0, count: 4096)
    var page = range.start.rawValue / pageSize
    let end = range.end.rawValue / pageSize
    while page < end {
      let wanted = min(Int(end - page), entries.count)
      let count = entries.withUnsafeMutableBytes { rrs_pread(descriptor, $0.baseAddress, wanted * 8, page * 8) } / 8
      guard count > 0 else { return found + [RemoteRange(RemotePointer(page * pageSize), range.end)] }
      for index in 0..<count where entries[index] & presentOrSwapped != 0 && (ofFiles || entries[index] & file == 0) {
        append(RemoteRange(RemotePointer((page + UInt64(index)) * pageSize), byteCount: pageSize), to: &found)
      }
      page += UInt64(count)
    }
    return found
  }
}
