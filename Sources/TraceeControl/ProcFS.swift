import CLinuxShim
package import KernelABI

/// Facts about tracees that only /proc tells (proc(5)).
package enum ProcFS {
  package static func readFile(_ path: String) -> [UInt8]? {
    let descriptor = rrs_open(path, 0, 0)
    guard descriptor >= 0 else { return nil }
    defer { _ = rrs_close(Int32(descriptor)) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = chunk.withUnsafeMutableBytes { rrs_read(Int32(descriptor), $0.baseAddress, $0.count) }
      guard count > 0 else { return count < 0 && bytes.isEmpty ? nil : bytes }
      bytes += chunk[..<count]
    }
  }

  /// The first bytes of a file; empty where it can't be read.
  package static func readStart(_ path: String, count: Int) -> [UInt8] {
    let descriptor = rrs_open(path, 0, 0)
    guard descriptor >= 0 else { return [] }
    defer { _ = rrs_close(Int32(descriptor)) }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = max(0, rrs_read(Int32(descriptor), buffer.baseAddress, count))
    }
  }

  /// What the link points to, without interpretation.
  package static func readLink(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes {
      $0.withMemoryRebound(to: CChar.self) { rrs_readlink(path, $0.baseAddress, $0.count) }
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// The `VmFlags` of each mapping by its start: words of two letters (proc_pid_smaps(5)).
  package static func mappingFlags(_ tid: Tid) -> [UInt64: Set<Substring>] {
    guard let bytes = readFile("/proc/\(tid)/smaps") else { return [:] }
    var flags: [UInt64: Set<Substring>] = [:]
    var start: UInt64?
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      if line.hasPrefix("VmFlags:"), let known = start {
        flags[known] = Set(line.dropFirst(8).split(separator: " "))
      } else if let dash = line.firstIndex(of: "-"), let address = UInt64(line[..<dash], radix: 16) {
        start = address
      }
    }
    return flags
  }

  /// The memory of a process that it shares with no other, in bytes (proc_pid_smaps(5), smaps_rollup).
  package static func privateByteCount(_ tid: Tid) -> UInt64 {
    guard let text = readFile("/proc/\(tid)/smaps_rollup") else { return 0 }
    var total: UInt64 = 0
    for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: Array("Private_".utf8)) {
      let digits = line.drop { !(0x30...0x39).contains($0) }.prefix { (0x30...0x39).contains($0) }
      total += (UInt64(String(decoding: digits, as: UTF8.self)) ?? 0) * 1024
    }
    return total
  }

  /// The value of a field of /proc/TID/status, such as `SigCgt`, in hexadecimal.
  package static func statusMask(_ tid: Tid, _ field: String) -> UInt64? { statusMasks(tid, [field])[0] }

  /// The same for several fields at one time.
  package static func statusMasks(_ tid: Tid, _ fields: [String]) -> [UInt64?] {
    let text = readFile("/proc/\(tid)/status")
    return fields.map { name in text.flatMap { field(name, in: $0) }.flatMap { UInt64($0, radix: 16) } }
  }

  package static func statusField(_ tid: Tid, _ name: String) -> String? {
    readFile("/proc/\(tid)/status").flatMap { field(name, in: $0) }
  }

  private static func field(_ name: String, in text: [UInt8]) -> String? {
    let prefix = Array((name + ":").utf8)
    for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: prefix) {
      let value = line.dropFirst(prefix.count).drop { $0 == 0x20 || $0 == 0x09 }
      return String(decoding: value, as: UTF8.self)
    }
    return nil
  }

  /// The state letter of /proc/TID/stat: R, S, D, T, t, Z, X; nil when it is gone.
  package static func state(_ tid: Tid) -> Character? {
    guard let text = readFile("/proc/\(tid)/stat"), let close = text.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let index = close + 2
    return index < text.count ? Character(Unicode.Scalar(text[index])) : nil
  }

  /// The file offset of a tracee's descriptor, from /proc/TID/fdinfo/FD.
  package static func position(_ tid: Tid, descriptor: Int32) -> UInt64? {
    guard let text = readFile("/proc/\(tid)/fdinfo/\(descriptor)") else { return nil }
    for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: "pos:".utf8) {
      return UInt64(String(decoding: line.dropFirst(4).drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self))
    }
    return nil
  }

  /// The first process's own pid namespace may differ from ours: the last number of `NSpid`.
  package static func ownNamespaceTid(_ tid: Tid) -> Tid {
    guard let field = statusField(tid, "NSpid") else { return tid }
    let last = field.split { $0 == "\t" || $0 == " " }.last.flatMap { Int32($0) }
    return last.map { Tid($0) } ?? tid
  }
}

extension ProcFS {
  /// Where the program break starts: field 47 of /proc/TID/stat (proc_pid_stat(5)).
  package static func startOfBreak(_ tid: Tid) -> RemotePointer? {
    guard let text = readFile("/proc/\(tid)/stat"), let close = text.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = text[(close + 1)...].split(separator: UInt8(ascii: " "))
    // The field behind the name is number 3.
    guard fields.count > 44, let value = UInt64(String(decoding: fields[44], as: UTF8.self)) else { return nil }
    return RemotePointer(value)
  }
}
