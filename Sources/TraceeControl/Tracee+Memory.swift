import CLinuxShim
package import KernelABI
import SystemPackage

extension Tracee {
  /// Reads as many bytes as are mapped from `address` on; the count may be short, or 0.
  package func read(_ address: RemotePointer, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if buffer.isEmpty { return 0 }
    guard fillAbsent(RemoteRange(address, byteCount: UInt64(buffer.count))) else { return 0 }
    let result = rrs_read_memory(tid.rawValue, buffer.baseAddress, buffer.count, address.rawValue)
    if result == buffer.count { return result }
    let done = max(result, 0)
    // process_vm_readv(2) refuses pages without PROT_READ; /proc/PID/mem reads them (proc_pid_mem(5)).
    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
    return done + max(withMemoryFile { rrs_pread($0, rest.baseAddress, rest.count, (address + done).rawValue) }, 0)
  }

  /// Exactly `count` bytes, or nil where they aren't all mapped.
  package func readBytes(_ address: RemotePointer, count: Int) -> [UInt8]? {
    var isWhole = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = read(address, into: UnsafeMutableRawBufferPointer(buffer))
      isWhole = initialized == count
    }
    return isWhole ? bytes : nil
  }

  package func read<T: BitwiseCopyable>(_ address: RemotePointer, as type: T.Type) -> T? {
    withUnsafeTemporaryAllocation(byteCount: MemoryLayout<T>.size, alignment: MemoryLayout<T>.alignment) { buffer in
      read(address, into: buffer) == buffer.count ? buffer.load(as: T.self) : nil
    }
  }

  /// The bytes before the first NUL, at most `limit`; nil where the memory ends before either.
  package func readString(_ address: RemotePointer, limit: Int = 4096) -> [UInt8]? {
    var bytes: [UInt8] = []
    var position = address
    while bytes.count < limit {
      // As far as the page's end: the next one may not be mapped.
      let chunk = min(Int(pageSize - position.rawValue % pageSize), limit - bytes.count)
      guard let part = readBytes(position, count: chunk) else { return nil }
      if let end = part.firstIndex(of: 0) { return bytes + part[..<end] }
      bytes += part
      position = position + chunk
    }
    return bytes
  }

  package func readText(_ address: RemotePointer, limit: Int = 4096) -> String? {
    readString(address, limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The strings of an argv-like array, at most `limit`.
  package func readStringArray(_ address: RemotePointer, limit: Int = 65536) -> [String] {
    var strings: [String] = []
    var position = address
    var (pointers, texts) = (PageReader(self), PageReader(self))
    while strings.count < limit, let pointer = pointers.word(position), pointer != 0 {
      guard let text = texts.string(RemotePointer(pointer), limit: 131_072) else { break }
      strings.append(String(decoding: text, as: UTF8.self))
      position = position + 8
    }
    return strings
  }

  /// Writes all bytes, whatever the pages' protection (private mappings are copied first). False where one isn't
  /// mapped.
  @discardableResult
  package func write(_ address: RemotePointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.isEmpty || fillAbsent(RemoteRange(address, byteCount: UInt64(bytes.count))) && writeUnchecked(address, bytes)
  }

  /// The same, whether the memory is there yet or not.
  func writeUnchecked(_ address: RemotePointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
    let result = rrs_write_memory(tid.rawValue, bytes.baseAddress, bytes.count, address.rawValue)
    if result == bytes.count { return true }
    let done = max(result, 0)
    let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
    return withMemoryFile { rrs_pwrite($0, rest.baseAddress, rest.count, (address + done).rawValue) } == rest.count
  }

  @discardableResult
  package func write(_ address: RemotePointer, _ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { write(address, $0) }
  }

  @discardableResult
  package func write<T: BitwiseCopyable>(_ address: RemotePointer, value: T) -> Bool {
    withUnsafeBytes(of: value) { write(address, $0) }
  }

  /// Whether the tracee itself could write the range's first and last bytes: they are written back as they are.
  package func isWritable(_ range: RemoteRange) -> Bool {
    guard !range.isEmpty else { return false }
    return [range.start, range.end - 1].allSatisfy { address in
      var byte: UInt8 = 0
      return rrs_read_memory(tid.rawValue, &byte, 1, address.rawValue) == 1
        && rrs_write_memory(tid.rawValue, &byte, 1, address.rawValue) == 1
    }
  }

  private func withMemoryFile(_ body: (Int32) -> Int) -> Int {
    (try? openMemoryFile { body($0) }) ?? -1
  }

  /// /proc/PID/mem, which heeds no rights (proc_pid_mem(5)).
  func openMemoryFile<R>(_ body: (Int32) throws -> R) throws -> R {
    let path = "/proc/\(tid)/mem"
    let descriptor = try check(rrs_open(path, FileDescriptor.AccessMode.readWrite.rawValue, 0), "open \(path)")
    defer { _ = rrs_close(Int32(descriptor)) }
    return try body(Int32(descriptor))
  }
}
