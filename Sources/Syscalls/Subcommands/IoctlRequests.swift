/// The ioctl requests: rows by full number, then by family whatever the size, then by the names of `IoctlNames…`,
/// then a guess from the number alone (asm-generic/ioctl.h: 8 bits number, 8 bits type, 14 bits size, 2 bits
/// direction).
enum IoctlRequests {
  private static let rows: [UInt32: SubcommandRow] = {
    let groups: [[SubcommandRow]] = [
      IoctlTerminalRows.rows, IoctlTerminalRows.console, IoctlNetworkRows.rows, IoctlNetworkRows.more,
      IoctlDeviceRows.disks, IoctlDeviceRows.fileSystems, IoctlDeviceRows.drives, IoctlDeviceRows.devices,
    ]
    var result: [UInt32: SubcommandRow] = [:]
    for row in groups.joined() {
      let replaced = result.updateValue(row, forKey: UInt32(row.request))
      precondition(replaced == nil, "two rows for ioctl 0x\(String(row.request, radix: 16))")
    }
    return result
  }()

  /// Every number that has a row of its own.
  static var known: some Collection<UInt32> { rows.keys }

  /// A name as listed, with its mark.
  private struct Name {
    var text: Substring
    var mark: Character?
  }

  private static let names: [UInt32: Name] = {
    var result: [UInt32: Name] = [:]
    for text in [IoctlNamesLow.text, IoctlNamesHigh.text] {
      for entry in text.split(whereSeparator: { $0 == ";" || $0 == "\n" }) {
        let words = entry.split(separator: " ")
        guard words.count == 2, let number = UInt32(words[0], radix: 16) else { continue }
        let mark = words[1].last.flatMap { $0 == "!" || $0 == "-" ? $0 : nil }
        result[number] = Name(text: mark == nil ? words[1] : words[1].dropLast(), mark: mark)
      }
    }
    return result
  }()

  /// How many names are listed; for tests.
  static var nameCount: Int { names.count }

  static func row(_ request: UInt32) -> (row: SubcommandRow, isGuess: Bool) {
    if let row = rows[request] { return (row, false) }
    let encoded = EncodedRequest(request)
    if let name = encoded.familyName {
      return (SubcommandRow(UInt64(request), name, encoded.kinds), false)
    }
    if let name = names[request] {
      let row = SubcommandRow(UInt64(request), String(name.text), encoded.kinds)
      return (row, name.mark == "!" && encoded.kernelMayWrite)
    }
    if encoded.type == EncodedRequest.graphicsType {
      let row = SubcommandRow(
        UInt64(request), "DRM_IOCTL_" + encoded.description, .never, .unsupported(errno: 25), [.hex],
        note: "A graphics device shares memory with the program; it uses software rendering instead.")
      return (row, false)
    }
    return (SubcommandRow(UInt64(request), encoded.description, encoded.guessedKinds), true)
  }
}

/// What an ioctl number says of itself.
struct EncodedRequest {
  /// The type of linux/drm.h.
  static let graphicsType: UInt32 = 0x64

  var request: UInt32
  init(_ request: UInt32) { self.request = request }

  var number: UInt32 { request & 0xff }
  var type: UInt32 { request >> 8 & 0xff }
  var size: Int { Int(request >> 16 & 0x3fff) }
  /// As the program sees it: it writes to the device, so the kernel reads.
  var isWrite: Bool { request >> 30 & 1 != 0 }
  /// The program reads from the device, so the kernel writes.
  var isRead: Bool { request >> 30 & 2 != 0 }
  var kernelMayWrite: Bool { isRead || !isWrite }

  /// What direction and size say.
  var kinds: [Parameter.Kind] {
    switch (isRead, isWrite) {
    case (true, true): [.inputOutput(.fixed(size), .structure)]
    case (true, false): [.output(.fixed(size), .structure)]
    case (false, true): [.input(.fixed(size), .structure)]
    case (false, false): [.hex]
    }
  }

  /// As `kinds`; but a number that says nothing may stand for any structure, so that the memory at the argument is
  /// recorded if there is any. Bytes that didn't change do no harm.
  var guessedKinds: [Parameter.Kind] {
    isRead || isWrite ? kinds : [.inputOutput(.fixed(1024), .structure)]
  }

  /// As strace shows an unknown request: `_IOC(_IOC_READ, 0x54, 0x30, 0x4)`; a number below 0x10000 says only type and
  /// number.
  var description: String {
    guard isRead || isWrite || size != 0 else { return "0x" + String(request, radix: 16) }
    let direction =
      switch (isRead, isWrite) {
      case (true, true): "_IOC_READ|_IOC_WRITE"
      case (true, false): "_IOC_READ"
      case (false, true): "_IOC_WRITE"
      case (false, false): "_IOC_NONE"
      }
    let fields = [type, number, UInt32(size)].map { "0x" + String($0, radix: 16) }
    return "_IOC(\(direction), \(fields.joined(separator: ", ")))"
  }

  /// The names of requests in which the program chooses the size (linux/input.h, joystick.h, hidraw.h, uinput.h).
  var familyName: String? {
    guard isRead || isWrite else { return nil }
    switch (type, number) {
    case (0x45, 0x06) where isRead: return "EVIOCGNAME(\(size))"
    case (0x45, 0x07) where isRead: return "EVIOCGPHYS(\(size))"
    case (0x45, 0x08) where isRead: return "EVIOCGUNIQ(\(size))"
    case (0x45, 0x09) where isRead: return "EVIOCGPROP(\(size))"
    case (0x45, 0x0a) where isRead: return "EVIOCGMTSLOTS(\(size))"
    case (0x45, 0x18) where isRead: return "EVIOCGKEY(\(size))"
    case (0x45, 0x19) where isRead: return "EVIOCGLED(\(size))"
    case (0x45, 0x1a) where isRead: return "EVIOCGSND(\(size))"
    case (0x45, 0x1b) where isRead: return "EVIOCGSW(\(size))"
    case (0x45, 0x20 ... 0x3f) where isRead: return "EVIOCGBIT(0x\(String(number - 0x20, radix: 16)), \(size))"
    case (0x45, 0x40 ... 0x7f) where isRead: return "EVIOCGABS(0x\(String(number - 0x40, radix: 16)))"
    case (0x45, 0xc0 ... 0xff) where isWrite: return "EVIOCSABS(0x\(String(number - 0xc0, radix: 16)))"
    case (0x6a, 0x13) where isRead: return "JSIOCGNAME(\(size))"
    case (0x48, 0x04) where isRead && !isWrite && size != 260: return "HIDIOCGRAWNAME(\(size))"
    case (0x48, 0x05) where isRead && !isWrite: return "HIDIOCGRAWPHYS(\(size))"
    case (0x48, 0x08) where isRead && !isWrite: return "HIDIOCGRAWUNIQ(\(size))"
    case (0x48, 0x06) where isRead && isWrite: return "HIDIOCSFEATURE(\(size))"
    case (0x48, 0x07) where isRead && isWrite: return "HIDIOCGFEATURE(\(size))"
    case (0x48, 0x0a) where isRead && isWrite && size != 56: return "HIDIOCGINPUT(\(size))"
    case (0x55, 0x2c) where isRead: return "UI_GET_SYSNAME(\(size))"
    case (0xff, 0x0b) where isRead: return "PIDFD_GET_INFO"
    default: return nil
    }
  }
}
