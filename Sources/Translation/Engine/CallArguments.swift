import KernelABI
import TraceeControl

/// Where a system call may write to memory, as far as its arguments tell. Too much is harmless here.
enum CallArguments {
  private static let byteCountMax: UInt64 = 1 << 26
  /// Larger than what calls write without being told how much.
  private static let structureByteCount: UInt64 = 512
  /// UIO_MAXIOV (readv(2), "NOTES")
  private static let vectorCountMax: UInt64 = 1024

  static func writable(_ registers: Registers, _ tracee: Tracee) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    for index in 0..<6 {
      // The next argument is often the count of bytes.
      let next = index < 5 ? registers.argument(index + 1) : 0
      let byteCount = next <= byteCountMax ? max(next, structureByteCount) : structureByteCount
      append(registers.argument(index), byteCount, &ranges)
    }
    switch registers.syscallNumber {
    case SyscallNumber.readv, SyscallNumber.preadv, SyscallNumber.preadv2:
      appendVector(registers.argument(1), registers.argument(2), tracee, &ranges)
    case SyscallNumber.process_vm_readv:
      appendVector(registers.argument(1), registers.argument(2), tracee, &ranges)
    case SyscallNumber.process_vm_writev:
      // The memory written to may be its own.
      appendVector(registers.argument(3), registers.argument(4), tracee, &ranges)
    case SyscallNumber.recvmsg:
      appendMessage(registers.argument(1), tracee, &ranges)
    case SyscallNumber.recvmmsg:
      let messageByteCount: UInt64 = 64
      for index in 0..<min(registers.argument(2), vectorCountMax) {
        appendMessage(registers.argument(1) &+ index * messageByteCount, tracee, &ranges)
      }
    default: break
    }
    return ranges
  }

  private static func append(_ start: UInt64, _ byteCount: UInt64, _ ranges: inout [Range<UInt64>]) {
    let (end, overflow) = start.addingReportingOverflow(byteCount)
    if !overflow, start >= pageSize { ranges.append(start..<end) }
  }

  /// An array of `struct iovec`.
  private static func appendVector(
    _ start: UInt64, _ count: UInt64, _ tracee: Tracee, _ ranges: inout [Range<UInt64>]
  ) {
    let byteCount = Int(min(count, vectorCountMax)) * 16
    guard let bytes = tracee.readBytes(RemotePointer(start), count: byteCount) else { return }
    bytes.withUnsafeBytes { buffer in
      for offset in stride(from: 0, to: buffer.count, by: 16) {
        append(
          buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
          buffer.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self), &ranges)
      }
    }
  }

  /// A `struct msghdr` (recvmsg(2)): name, vector and control data.
  private static func appendMessage(_ start: UInt64, _ tracee: Tracee, _ ranges: inout [Range<UInt64>]) {
    guard let bytes = tracee.readBytes(RemotePointer(start), count: 56) else { return }
    let words = bytes.withUnsafeBytes { buffer in
      (0..<7).map { buffer.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
    }
    append(words[0], words[1] & 0xffff_ffff, &ranges)
    appendVector(words[2], words[3], tracee, &ranges)
    append(words[4], words[5], &ranges)
  }
}
