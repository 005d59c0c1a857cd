/// The contents of structures, shown as strace shows them: the fields that people look for, then `...`.
enum StructureText {
  /// The text of a buffer in that format; nil if the bytes don't suffice or the format has no text.
  static func describe(_ format: Parameter.Format, _ bytes: [UInt8], stringLimit: Int) -> String? {
    let reader = ByteReader(bytes)
    switch format {
    case .bytes, .text: return PrintedText.quoted(bytes, limit: stringLimit)
    case .string: return PrintedText.quoted(bytes.prefix { $0 != 0 }, limit: 4096)
    case .timespec: return sequence(reader, 16, StructureText.timespec)
    case .timeval: return sequence(reader, 16, StructureText.timeval)
    case .itimerspec: return timer(reader, StructureText.timespec)
    case .itimerval: return timer(reader, StructureText.timeval)
    case .stat: return stat(reader)
    case .statx: return statx(reader)
    case .signalSet: return reader.uint64(0).map(PrintedText.signalSet)
    case .signalAction: return signalAction(reader)
    case .signalInfo: return signalInfo(reader)
    case .pollDescriptors: return list(reader, 8, pollDescriptor)
    case .epollEvents: return list(reader, 12, epollEvent)
    case .descriptorSet: return descriptorSet(reader)
    case .socketAddress: return SocketAddressText.describe(reader)
    case .int32: return list(reader, 4) { $0.int32($1).map(String.init) }
    case .pointer: return reader.uint64(0).map { "[\(PrintedText.address($0))]" }
    case .int64: return reader.int64(0).map { "[\($0)]" }
    case .int32Pair: return reader.int32(0).flatMap { first in reader.int32(4).map { "[\(first), \($0)]" } }
    case .resourceLimit: return resourceLimit(reader)
    case .utsname: return utsname(reader, limit: stringLimit)
    case .directoryEntries: return nil
    case .waitStatus: return reader.uint32(0).map { "[\(PrintedText.waitStatus($0))]" }
    case .resourceUsage: return resourceUsage(reader)
    case .fileLock: return fileLock(reader)
    case .windowSize: return windowSize(reader)
    case .terminal: return terminal(reader)
    case .structure: return nil
    }
  }

  // MARK: - Sequences

  /// One element by itself, several in brackets (utimensat(2) has two times).
  private static func sequence(_ reader: ByteReader, _ size: Int, _ element: (ByteReader, Int) -> String?) -> String? {
    let count = reader.bytes.count / size
    let parts = (0..<count).compactMap { element(reader, $0 * size) }
    guard let first = parts.first, parts.count == count else { return nil }
    return count == 1 ? first : "[" + parts.joined(separator: ", ") + "]"
  }

  private static func list(_ reader: ByteReader, _ size: Int, _ element: (ByteReader, Int) -> String?) -> String {
    let shown = 16
    let count = reader.bytes.count / size
    var parts = (0..<min(count, shown)).compactMap { element(reader, $0 * size) }
    if count > shown { parts.append("...") }
    return "[" + parts.joined(separator: ", ") + "]"
  }

  // MARK: - Time

  private static func timespec(_ reader: ByteReader, _ offset: Int) -> String? {
    guard let seconds = reader.int64(offset), let nanoseconds = reader.int64(offset + 8) else { return nil }
    switch nanoseconds {
    case 0x3fff_ffff: return "UTIME_NOW"
    case 0x3fff_fffe: return "UTIME_OMIT"
    default: return "{tv_sec=\(seconds), tv_nsec=\(nanoseconds)}"
    }
  }

  private static func timeval(_ reader: ByteReader, _ offset: Int) -> String? {
    guard let seconds = reader.int64(offset), let microseconds = reader.int64(offset + 8) else { return nil }
    return "{tv_sec=\(seconds), tv_usec=\(microseconds)}"
  }

  private static func timer(_ reader: ByteReader, _ element: (ByteReader, Int) -> String?) -> String? {
    guard let interval = element(reader, 0), let value = element(reader, 16) else { return nil }
    return "{it_interval=\(interval), it_value=\(value)}"
  }

  // MARK: - Files

  private static func stat(_ reader: ByteReader) -> String? {
    guard let mode = reader.uint32(24), let size = reader.int64(48), let device = reader.uint64(40) else { return nil }
    let isDevice = [0o020000, 0o060000].contains(mode & 0o170000)
    return "{st_mode=\(PrintedText.mode(mode)), " + (isDevice ? "st_rdev=\(self.device(device))" : "st_size=\(size)")
      + ", ...}"
  }

  /// A device number as makedev(3) takes it apart.
  private static func device(_ number: UInt64) -> String {
    let major = (number >> 8 & 0xfff) | (number >> 32 & 0xffff_f000)
    let minor = (number & 0xff) | (number >> 12 & 0xffff_ff00)
    return "makedev(0x\(String(major, radix: 16)), 0x\(String(minor, radix: 16)))"
  }

  private static func statx(_ reader: ByteReader) -> String? {
    guard let mask = reader.uint32(0), let mode = reader.uint16(28), let size = reader.uint64(40) else { return nil }
    let names = NameTable.statxMask.describe(UInt64(mask))
    return "{stx_mask=\(names), stx_mode=\(PrintedText.mode(UInt32(mode))), stx_size=\(size), ...}"
  }

  private static func fileLock(_ reader: ByteReader) -> String? {
    guard let type = reader.uint16(0), let whence = reader.uint16(2), let start = reader.int64(8),
      let length = reader.int64(16)
    else { return nil }
    let typeName = NameTable.lockType.name(of: UInt64(type)) ?? String(type)
    let whenceName = NameTable.whence.name(of: UInt64(whence)) ?? String(whence)
    return "{l_type=\(typeName), l_whence=\(whenceName), l_start=\(start), l_len=\(length)}"
  }

  // MARK: - Signals

  private static func signalAction(_ reader: ByteReader) -> String? {
    guard let handler = reader.uint64(0), let flags = reader.uint64(8), let restorer = reader.uint64(16),
      let mask = reader.uint64(24)
    else { return nil }
    let handlerName = handler == 0 ? "SIG_DFL" : handler == 1 ? "SIG_IGN" : PrintedText.hex(handler)
    let flagNames = NameTable.signalActionFlags.describe(flags)
    let hasRestorer = flags & 0x400_0000 != 0
    return "{sa_handler=\(handlerName), sa_mask=\(PrintedText.signalSet(mask)), sa_flags=\(flagNames)"
      + (hasRestorer ? ", sa_restorer=\(PrintedText.hex(restorer))}" : "}")
  }

  private static func signalInfo(_ reader: ByteReader) -> String? {
    guard let number = reader.int32(0), let code = reader.int32(8), number != 0 || code != 0 else { return nil }
    let signal = NameTable.signal.name(of: UInt64(truncatingIfNeeded: number)) ?? String(number)
    let codeName = signalCode(number, code)
    guard let pid = reader.int32(16), let uid = reader.uint32(20), let status = reader.int32(24) else { return nil }
    // Only the kernel gives positive codes.
    switch code > 0 ? number : 0 {
    case 4, 7, 8, 11:
      let address = reader.uint64(16) ?? 0
      return "{si_signo=\(signal), si_code=\(codeName), si_addr=\(PrintedText.address(address))}"
    case 17:
      let statusName =
        code == 1 ? String(status) : NameTable.signal.name(of: UInt64(truncatingIfNeeded: status)) ?? String(status)
      return "{si_signo=\(signal), si_code=\(codeName), si_pid=\(pid), si_uid=\(uid), si_status=\(statusName), ...}"
    default:
      return "{si_signo=\(signal), si_code=\(codeName), si_pid=\(pid), si_uid=\(uid)}"
    }
  }

  /// sigaction(2), "The si_code field".
  private static func signalCode(_ signal: Int32, _ code: Int32) -> String {
    let general: [Int32: String] = [
      0: "SI_USER", 0x80: "SI_KERNEL", -1: "SI_QUEUE", -2: "SI_TIMER", -3: "SI_MESGQ", -4: "SI_ASYNCIO",
      -5: "SI_SIGIO", -6: "SI_TKILL",
    ]
    let child = ["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"]
    let segmentation = ["SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR"]
    let bus = ["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"]
    let names: [String] =
      switch signal {
      case 17: child
      case 11: segmentation
      case 7: bus
      default: []
      }
    if code >= 1 && Int(code) <= names.count { return names[Int(code) - 1] }
    return general[code] ?? String(code)
  }

  // MARK: - Descriptors

  private static func pollDescriptor(_ reader: ByteReader, _ offset: Int) -> String? {
    guard let descriptor = reader.int32(offset), let events = reader.uint16(offset + 4),
      let returned = reader.uint16(offset + 6)
    else { return nil }
    if descriptor < 0 { return "{fd=\(descriptor)}" }
    let wanted = NameTable.pollEvents.describe(UInt64(events))
    let got = returned == 0 ? "" : ", revents=\(NameTable.pollEvents.describe(UInt64(returned)))"
    return "{fd=\(descriptor), events=\(wanted)\(got)}"
  }

  private static func epollEvent(_ reader: ByteReader, _ offset: Int) -> String? {
    guard let events = reader.uint32(offset), let data = reader.uint64(offset + 4) else { return nil }
    let names = NameTable.epollEvents.describe(UInt64(events))
    return "{events=\(names), data={u32=\(UInt32(truncatingIfNeeded: data)), u64=\(data)}}"
  }

  private static func descriptorSet(_ reader: ByteReader) -> String {
    var members: [String] = []
    for (index, byte) in reader.bytes.enumerated() where byte != 0 {
      for bit in 0..<8 where byte >> bit & 1 != 0 { members.append(String(index * 8 + bit)) }
    }
    return "[" + members.joined(separator: " ") + "]"
  }

  // MARK: - Processes and terminals

  private static func resourceLimit(_ reader: ByteReader) -> String? {
    func limit(_ value: UInt64) -> String {
      if value == .max { return "RLIM64_INFINITY" }
      return value > 1024 && value % 1024 == 0 ? "\(value / 1024)*1024" : String(value)
    }
    guard let current = reader.uint64(0), let most = reader.uint64(8) else { return nil }
    return "{rlim_cur=\(limit(current)), rlim_max=\(limit(most))}"
  }

  private static func resourceUsage(_ reader: ByteReader) -> String? {
    guard let user = timeval(reader, 0), let system = timeval(reader, 16) else { return nil }
    return "{ru_utime=\(user), ru_stime=\(system), ...}"
  }

  private static func utsname(_ reader: ByteReader, limit: Int) -> String? {
    guard let system = reader.text(0, 65), let node = reader.text(65, 65), reader.bytes.count >= 130 else { return nil }
    return "{sysname=\(PrintedText.quoted(system)), nodename=\(PrintedText.quoted(node)), ...}"
  }

  private static func windowSize(_ reader: ByteReader) -> String? {
    guard let rows = reader.uint16(0), let columns = reader.uint16(2), let width = reader.uint16(4),
      let height = reader.uint16(6)
    else { return nil }
    return "{ws_row=\(rows), ws_col=\(columns), ws_xpixel=\(width), ws_ypixel=\(height)}"
  }

  private static func terminal(_ reader: ByteReader) -> String? {
    let names = ["c_iflag", "c_oflag", "c_cflag", "c_lflag"]
    let fields = names.enumerated().compactMap { index, name in
      reader.uint32(index * 4).map { "\(name)=\(PrintedText.hex(UInt64($0)))" }
    }
    return fields.count == names.count ? "{" + fields.joined(separator: ", ") + ", ...}" : nil
  }
}
