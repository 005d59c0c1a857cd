import KernelABI

/// The texts of one call's arguments.
struct CallPrinting {
  var arguments: [UInt64]
  /// nil while the call is in the kernel.
  var result: Int64?
  var memory: SyscallPrinter.Memory
  var stringLimit: Int

  /// The result as a count of bytes or elements.
  private var returned: Int { Int(clamping: max(0, failed ? 0 : result ?? 0)) }

  private var failed: Bool { result.map { (-4095 ... -1).contains($0) } ?? false }

  func text(_ kind: Parameter.Kind, _ value: UInt64) -> String {
    let int = Int32(truncatingIfNeeded: value)
    switch kind {
    case .unused: return ""
    case .integer, .pid: return String(int)
    case .long: return String(Int64(bitPattern: value))
    case .unsigned: return String(value)
    case .hex: return PrintedText.hex(value)
    case .descriptor: return int == -100 ? "AT_FDCWD" : String(int)
    case .mode: return PrintedText.mode(UInt32(truncatingIfNeeded: value) & 0xffff)
    case .signal: return NameTable.signal.name(of: UInt64(UInt32(bitPattern: int))) ?? String(int)
    case .uid: return int == -1 ? "-1" : String(UInt32(bitPattern: int))
    case .address: return PrintedText.address(value)
    case .flags(let table): return table.describe(narrowed(value, table))
    case .choice(let table): return table.name(of: value) ?? String(int)
    case .path: return string(value, limit: 4096)
    case .string: return string(value, limit: stringLimit)
    case .stringArray: return stringArray(value)
    case .input(let count, let format): return buffer(value, count, format, isOutput: false)
    case .output(let count, let format): return buffer(value, count, format, isOutput: true)
    case .inputOutput(let count, let format): return buffer(value, count, format, isOutput: false)
    case .structureWithBuffers: return PrintedText.address(value)
    case .inputVector(let count): return vectors(value, count: arguments[count], byteCount: nil)
    case .outputVector(let count):
      return failed || result == nil
        ? PrintedText.address(value) : vectors(value, count: arguments[count], byteCount: returned)
    case .inputMessage: return message(value, received: nil)
    case .outputMessage: return failed || result == nil ? PrintedText.address(value) : message(value, received: result)
    case .inputMessages, .outputMessages: return messages(value)
    }
  }

  /// Flags are 32 bits wide but for clone3's.
  private func narrowed(_ value: UInt64, _ table: NameTable) -> UInt64 {
    table == .cloneFlags || table == .fanotifyMask ? value : value & 0xffff_ffff
  }

  // MARK: - Strings

  /// Bytes up to a NUL, as far as they are known.
  private func string(_ address: UInt64, limit: Int) -> String {
    guard address != 0 else { return "NULL" }
    guard let bytes = memory(RemotePointer(address), limit + 1), !bytes.isEmpty else { return PrintedText.hex(address) }
    let text = bytes.prefix { $0 != 0 }
    let isCut = text.count == bytes.count
    return PrintedText.quoted(text.prefix(limit), isCut: isCut)
  }

  private func stringArray(_ address: UInt64) -> String {
    guard address != 0 else { return "NULL" }
    var parts: [String] = []
    for index in 0..<33 {
      guard let pointer = word(address &+ UInt64(index * 8)) else { return PrintedText.hex(address) }
      if pointer == 0 { return "[" + parts.joined(separator: ", ") + "]" }
      if index == 32 { break }
      parts.append(string(pointer, limit: stringLimit))
    }
    return "[" + parts.joined(separator: ", ") + ", ...]"
  }

  private func word(_ address: UInt64) -> UInt64? {
    memory(RemotePointer(address), 8).flatMap { ByteReader($0).uint64(0) }
  }

  private func word32(_ address: UInt64) -> UInt32? {
    memory(RemotePointer(address), 4).flatMap { ByteReader($0).uint32(0) }
  }

  // MARK: - Buffers

  private func buffer(
    _ address: UInt64, _ count: Parameter.ByteCount, _ format: Parameter.Format, isOutput: Bool
  ) -> String {
    guard address != 0 else { return "NULL" }
    // What a failed call, or one that hasn't returned, left in an output buffer isn't its output.
    if isOutput && (failed || result == nil) { return PrintedText.hex(address) }
    guard let size = byteCount(count, address) else { return PrintedText.hex(address) }
    switch format {
    case .bytes, .text: return bytes(address, size)
    case .directoryEntries: return directoryEntries(address, size)
    default:
      guard let known = memory(RemotePointer(address), min(size, 4096)), known.count == min(size, 4096) else {
        return PrintedText.hex(address)
      }
      return StructureText.describe(format, known, stringLimit: stringLimit) ?? PrintedText.hex(address)
    }
  }

  private func bytes(_ address: UInt64, _ size: Int) -> String {
    if size == 0 { return "\"\"" }
    let shown = min(size, stringLimit)
    guard let known = memory(RemotePointer(address), shown), !known.isEmpty else { return PrintedText.hex(address) }
    return PrintedText.quoted(known.prefix(shown), isCut: size > min(known.count, shown))
  }

  /// How many entries there are; `linux_dirent64` has its length at 16 (getdents(2)).
  private func directoryEntries(_ address: UInt64, _ size: Int) -> String {
    guard let known = memory(RemotePointer(address), size), known.count == size else { return PrintedText.hex(address) }
    let reader = ByteReader(known)
    var count = 0
    var offset = 0
    while let length = reader.uint16(offset + 16), length > 0 {
      count += 1
      offset += Int(length)
    }
    return "\(PrintedText.hex(address)) /* \(count) entries */"
  }

  /// The size of a buffer after the call; nil if what it depends on isn't known.
  private func byteCount(_ count: Parameter.ByteCount, _ address: UInt64) -> Int? {
    let limit = 1 << 30
    func argument(_ index: Int) -> Int { min(Int(clamping: arguments[index]), limit) }
    switch count {
    case .fixed(let size): return size
    case .argument(let index): return argument(index)
    case .elements(let size, let index): return argument(index) * size
    case .result(let index): return min(returned, argument(index))
    case .resultElements(let size, let index): return min(returned, argument(index)) * size
    case .lengthPointer(let index):
      return arguments[index] == 0 ? nil : word32(arguments[index]).map { min(Int($0), limit) }
    case .lengthPointer64(let index):
      return arguments[index] == 0 ? nil : word(arguments[index]).map { min(Int(clamping: $0), limit) }
    case .descriptorSet(let index): return (argument(index) + 63) / 64 * 8
    case .terminatedString(let most):
      guard let known = memory(RemotePointer(address), most) else { return nil }
      return known.firstIndex(of: 0) ?? known.count
    case .selfDescribed32: return word32(address).map { min(Int($0), limit) }
    case .pages(let index): return (argument(index) + Int(pageSize) - 1) / Int(pageSize)
    case .headerAndResult(let header, let index): return header + min(returned, argument(index))
    case .counted(let header, let countAt, let size):
      return word32(address &+ UInt64(countAt)).map { header + Int($0) * size }
    }
  }

  // MARK: - Vectors and messages

  /// An iovec array; `byteCount` limits what of the buffers counts, nil for all of it.
  private func vectors(_ address: UInt64, count: UInt64, byteCount: Int?) -> String {
    guard address != 0 else { return "NULL" }
    let shown = Int(min(count, 16))
    guard let array = memory(RemotePointer(address), shown * 16), array.count == shown * 16 else {
      return PrintedText.hex(address)
    }
    let reader = ByteReader(array)
    var rest = byteCount ?? .max
    var parts: [String] = []
    for index in 0..<shown {
      guard let base = reader.uint64(index * 16), let length = reader.uint64(index * 16 + 8) else { break }
      let used = min(rest, Int(clamping: length))
      rest -= used
      parts.append("{iov_base=\(base == 0 ? "NULL" : bytes(base, used)), iov_len=\(length)}")
    }
    if UInt64(shown) < count { parts.append("...") }
    return "[" + parts.joined(separator: ", ") + "]"
  }

  /// A `struct msghdr` (recvmsg(2)): name 0, its length 8, iov 16, its count 24, control 32, its length 40, flags 48.
  private func message(_ address: UInt64, received: Int64?) -> String {
    guard address != 0 else { return "NULL" }
    guard let known = memory(RemotePointer(address), KernelSize.messageHeader) else { return PrintedText.hex(address) }
    let reader = ByteReader(known)
    guard let name = reader.uint64(0), let nameLength = reader.uint32(8), let vector = reader.uint64(16),
      let count = reader.uint64(24), let controlLength = reader.uint64(40), let flags = reader.uint32(48)
    else { return PrintedText.hex(address) }
    var nameText = PrintedText.address(name)
    if name != 0, let bytes = memory(RemotePointer(name), Int(min(nameLength, 128))) {
      nameText = SocketAddressText.describe(bytes) ?? nameText
    }
    let contents = vectors(vector, count: count, byteCount: received.map { Int(clamping: max($0, 0)) })
    return "{msg_name=\(nameText), msg_namelen=\(nameLength), msg_iov=\(contents), msg_iovlen=\(count), "
      + "msg_controllen=\(controlLength), msg_flags=\(NameTable.messageFlags.describe(UInt64(flags)))}"
  }

  /// An array of `struct mmsghdr`, of which the call's result says how many count.
  private func messages(_ address: UInt64) -> String {
    guard address != 0 else { return "NULL" }
    guard result != nil, !failed else { return PrintedText.hex(address) }
    let shown = min(returned, 4)
    var parts: [String] = []
    for index in 0..<shown {
      let element = address &+ UInt64(index * KernelSize.multipleMessageHeader)
      guard let length = word32(element &+ UInt64(KernelSize.messageHeader)) else { return PrintedText.hex(address) }
      parts.append("{msg_hdr=\(message(element, received: Int64(length))), msg_len=\(length)}")
    }
    if shown < returned { parts.append("...") }
    return "[" + parts.joined(separator: ", ") + "]"
  }
}
