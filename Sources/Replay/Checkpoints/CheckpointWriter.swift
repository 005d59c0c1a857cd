import CLinuxShim
import KernelABI
import TraceFormat
import TraceeControl

/// Brings memory into a checkpoint, page by page.
struct CheckpointWriter {
  private let pages: CheckpointPages
  private static let chunkByteCount = 1 << 20
  private var buffer = [UInt64](repeating: 0, count: chunkByteCount / 8)

  init(_ pages: CheckpointPages) { self.pages = pages }

  /// The pages of a mapping that were changed since it was made. Zero pages of anonymous memory count as untouched.
  mutating func store(_ mapping: ProcessMapping, of tracee: Tracee, _ map: borrowing PageMap) throws -> SavedPages {
    var saved = SavedPages()
    for range in map.present(in: mapping.range, ofFiles: mapping.inode == 0) {
      var position = range.start
      while position < range.end {
        let count = min(Int(range.end - position), Self.chunkByteCount)
        let found = buffer.withUnsafeMutableBytes {
          tracee.read(position, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]))
        }
        guard found == count else {
          throw ReplayError.internalError("memory at \(position) of tracee \(tracee.recordedTid) can't be read")
        }
        try store(count, from: position.rawValue / pageSize, skipsZeros: mapping.inode == 0, &saved)
        position = position + UInt64(count)
      }
    }
    return saved
  }

  /// The pages of a memory file that aren't zero.
  mutating func store(file descriptor: Int32, byteCount: UInt64) throws -> SavedPages {
    var saved = SavedPages()
    var position: UInt64 = 0
    while let data = SparseFile.nextData(descriptor, from: position, end: byteCount) {
      position = data.lowerBound / pageSize * pageSize
      while position < data.upperBound {
        let wanted = min(Int(min(data.upperBound, byteCount) - position), Self.chunkByteCount)
        // Behind the file's end there is nothing.
        let whole = Int(RemotePointer(UInt64(wanted)).pageEnd.rawValue)
        try buffer.withUnsafeMutableBytes { buffer in
          let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
          let count = try Self.read(descriptor, into: part, position)
          _ = buffer[count..<whole].initializeMemory(as: UInt8.self, repeating: 0)
        }
        try store(whole, from: position / pageSize, skipsZeros: true, &saved)
        position += UInt64(whole)
      }
    }
    return saved
  }

  /// Fills the buffer, but for what lies behind the file's end. Returns the byte count.
  private static func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, _ offset: UInt64
  ) throws -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = rrs_pread(descriptor, rest.baseAddress, rest.count, offset + UInt64(done))
      if try check(count, "read a memory file") == 0 { break }
      done += count
    }
    return done
  }

  private func store(_ byteCount: Int, from page: UInt64, skipsZeros: Bool, _ saved: inout SavedPages) throws {
    try buffer.withUnsafeBytes { bytes in
      for index in 0..<byteCount / Int(pageSize) {
        let content = UnsafeRawBufferPointer(rebasing: bytes[(index * Int(pageSize))...].prefix(Int(pageSize)))
        if skipsZeros, Self.isZero(content) { continue }
        saved.append(page: page + UInt64(index), try pages.add(content))
      }
    }
  }

  private static func isZero(_ page: UnsafeRawBufferPointer) -> Bool {
    page.withMemoryRebound(to: UInt64.self) { words in words.allSatisfy { $0 == 0 } }
  }
}

/// Files with holes.
enum SparseFile {
  /// The next range that isn't a hole, as far as the file system tells (lseek(2), SEEK_DATA).
  static func nextData(_ descriptor: Int32, from position: UInt64, end: UInt64) -> Range<UInt64>? {
    guard position < end else { return nil }
    let data = 3, hole = 4
    func seek(_ offset: UInt64, _ whence: Int) -> Int {
      rrs_syscall(
        SyscallNumber.lseek, UInt(bitPattern: Int(descriptor)), UInt(offset), UInt(whence), 0, 0, 0)
    }
    let start = seek(position, data)
    guard start >= 0, UInt64(start) < end else { return nil }
    let next = seek(UInt64(start), hole)
    return UInt64(start)..<(next > start ? min(UInt64(next), end) : end)
  }
}
