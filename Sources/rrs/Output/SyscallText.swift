import KernelABI
import Syscalls
import TraceFormat

/// A system call as strace shows it, as far as the trace knows its arguments.
struct SyscallText {
  var event: TraceEvent
  var call: SyscallEvent
  var reader: TraceReader

  /// No more of a write than a line can show is read.
  private static let shownByteCountMax = 4096

  var text: String {
    get throws {
      guard let registers = event.registers else { return SyscallTable.name(call.number) }
      let writes = try knownMemory()
      let arguments = (0..<6).map { registers.argument($0) }
      let isFinished = call.phase != .entry
      let described = SyscallPrinter().describe(
        number: call.number, arguments: arguments,
        outcome: isFinished ? .result(registers.syscallResult) : .unfinished,
        memory: { address, byteCount in Self.bytes(at: address, byteCount: byteCount, in: writes) })
      return described.line + openedFiles(result: registers.syscallResult)
    }
  }

  /// What descriptors the call opened, as strace -y shows it: behind the result, which is mostly the descriptor itself.
  private func openedFiles(result: Int64) -> String {
    guard let first = call.openedFiles.first else { return "" }
    if call.openedFiles.count == 1, Int64(first.descriptor) == result { return "<\(first.path)>" }
    return " opens " + call.openedFiles.map { "\($0.descriptor)<\($0.path)>" }.joined(separator: " ")
  }

  private typealias KnownRange = (start: RemotePointer, bytes: [UInt8])

  private func knownMemory() throws(TraceError) -> [KnownRange] {
    var known: [KnownRange] = []
    for write in event.memoryWrites {
      known.append((write.address, try reader.data(write.data, byteCountMax: Self.shownByteCountMax)))
    }
    return known
  }

  private static func bytes(at address: RemotePointer, byteCount: Int, in known: [KnownRange]) -> [UInt8]? {
    for range in known where range.start <= address && address - range.start < UInt64(range.bytes.count) {
      return Array(range.bytes.dropFirst(Int(address - range.start)).prefix(byteCount))
    }
    return nil
  }
}
