package import KernelABI

/// A checksum of all writable memory of a tracee, the same in recording and replay.
///
/// Zero pages don't count, so that a page that was never touched equals one that isn't mapped yet; rrs's own pages and
/// what lies below a thread's stack pointer (its red zone excepted) don't either: no program may look at the latter,
/// and lazy binding leaves processor state there that isn't a function of the program's.
package enum MemoryChecksum {
  private static let redZoneByteCount: UInt64 = 128

  package static func compute(_ tracee: Tracee, stackPointers: [RemotePointer]) -> UInt64 {
    var sum: UInt64 = 0
    var buffer = [UInt64](repeating: 0, count: 131_072)
    tracee.fillAllAbsent()
    let pages = PageMap(tracee.tid)
    for (range, isAnonymous) in writableRanges(tracee) {
      guard let range = live(range, stackPointers) else { continue }
      // What was never touched of anonymous memory is zero.
      let touched = isAnonymous ? pages.present(in: range) : [range]
      for part in touched { sum = sum &+ checksum(tracee, part, &buffer) }
    }
    return sum
  }

  /// What the program can write to, as far as the program knows. What lies side by side is one: into how many mappings
  /// the kernel divides it depends on the order in which its pages were touched.
  private static func writableRanges(_ tracee: Tracee) -> [(range: RemoteRange, isAnonymous: Bool)] {
    var ranges: [(range: RemoteRange, isAnonymous: Bool)] = []
    for mapping in ProcessMaps.readProgram(tracee) where mapping.isWritable {
      let isAnonymous = mapping.inode == 0
      if let last = ranges.last, last.range.end == mapping.range.start, last.isAnonymous == isAnonymous {
        ranges[ranges.count - 1].range.end = mapping.range.end
      } else {
        ranges.append((mapping.range, isAnonymous))
      }
    }
    return ranges
  }

  /// The range without the dead part of a stack that lies in it. Whole pages.
  private static func live(_ range: RemoteRange, _ stackPointers: [RemotePointer]) -> RemoteRange? {
    var start = range.start
    for pointer in stackPointers where range.contains(pointer) {
      start = max(start, (pointer - redZoneByteCount).pageEnd)
    }
    return start < range.end ? RemoteRange(start, range.end) : nil
  }

  private static func checksum(_ tracee: Tracee, _ range: RemoteRange, _ buffer: inout [UInt64]) -> UInt64 {
    var sum: UInt64 = 0
    var position = range.start
    while position < range.end {
      let wanted = min(Int(range.end - position), buffer.count * 8)
      let count = buffer.withUnsafeMutableBytes {
        tracee.read(position, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]))
      }
      for page in 0..<(count / Int(pageSize)) {
        sum = sum &+ hash(page: page, of: buffer, address: (position + page * Int(pageSize)).rawValue)
      }
      // A page that can't be read (past a file's end) is skipped.
      position = position + max(count & ~Int(pageSize - 1), Int(pageSize))
    }
    return sum
  }

  private static func hash(page: Int, of words: [UInt64], address: UInt64) -> UInt64 {
    let wordCount = Int(pageSize) / 8
    var hash = address
    var all: UInt64 = 0
    words.withUnsafeBufferPointer { words in
      for index in (page * wordCount)..<((page + 1) * wordCount) {
        let word = words[index]
        all |= word
        hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
        hash ^= hash >> 29
      }
    }
    return all == 0 ? 0 : hash
  }
}
