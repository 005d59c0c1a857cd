import Debugging
import KernelABI
import RemoteProtocol

extension Dialogue {
  // MARK: Registers

  func respondAboutRegisters(_ request: Request) throws(DebugError) -> Reply? {
    switch request {
    case .readRegisters(let selector):
      return .hex(registerFile.allBytes(in: try target.registers(of: try thread(selector))))
    case .readRegister(let number, let selector):
      let registers = try target.registers(of: try thread(selector))
      return registerFile.bytes(of: number, in: registers).map { .hex($0) } ?? .error(1)
    case .writeRegisters(let bytes, let selector):
      return try change(try thread(selector)) { registerFile.setAll(bytes, in: &$0) }
    case .writeRegister(let number, let bytes, let selector):
      return try change(try thread(selector)) { registerFile.set(number, to: bytes, in: &$0) }
    case .saveRegisters(let selector):
      // LLDB does this before it calls a function, as gdb reads the signal's information.
      let thread = try thread(selector)
      let number = (savedRegisters.keys.max() ?? 0) + 1
      savedRegisters[number] = (try target.registers(of: thread), try target.signalInfo(thread))
      return .text(Hex.text(UInt64(number)))
    case .restoreRegisters(let number, let selector):
      let thread = try thread(selector)
      guard let saved = savedRegisters.removeValue(forKey: number) else { return .error(1) }
      if try target.registers(of: thread) != saved.registers { try target.setRegisters(saved.registers, of: thread) }
      try target.setSignalInfo(thread, saved.signalInfo)
      return .ok
    default: return .unsupported
    }
  }

  /// Debuggers write back what they have read: what changes nothing is done.
  private func change(
    _ thread: ThreadIdentity, _ edit: (inout ThreadRegisters) -> Bool
  ) throws(DebugError) -> Reply {
    let before = try target.registers(of: thread)
    var after = before
    guard edit(&after) else { return .error(1) }
    if after != before { try target.setRegisters(after, of: thread) }
    return .ok
  }

  // MARK: Memory

  func respondAboutMemory(_ request: Request) throws(DebugError) -> Reply? {
    let process = currentThread.process
    switch request {
    case .readMemory(let address, let count):
      let bytes = target.readMemory(process, address, count: limited(count))
      return bytes.isEmpty && count > 0 ? .error(1) : .hex(bytes)
    case .readMemoryBinary(let address, let count):
      if count == 0 { return .ok }
      let bytes = target.readMemory(process, address, count: limited(count))
      return bytes.isEmpty ? .error(1) : .raw(bytes)
    case .writeMemory(let address, let bytes):
      if !bytes.isEmpty { try write(process, address, bytes) }
      return .ok
    case .searchMemory(let address, let count, let pattern):
      return search(process, address, count, pattern)
    case .memoryRegion(let address): return describe(target.memoryRegion(process, address))
    default: return .unsupported
    }
  }

  /// gdb says of any error that the memory can't be accessed.
  private func write(_ process: Int32, _ address: UInt64, _ bytes: [UInt8]) throws(DebugError) {
    do {
      try target.writeMemory(process, address, bytes)
    } catch {
      if !notices.contains(error.text) { notices.append(error.text) }
      throw error
    }
  }

  /// So many bytes that they fit into a packet as digits, or if every one is escaped.
  private func limited(_ count: UInt64) -> Int { Int(min(count, UInt64(packetByteCountMax / 2 - 32))) }

  /// `1,address` of the pattern's first occurrence, or `0`. It is an error to meet what isn't mapped.
  private func search(_ process: Int32, _ address: UInt64, _ count: UInt64, _ pattern: [UInt8]) -> Reply {
    guard !pattern.isEmpty, UInt64(pattern.count) <= count else { return .text("0") }
    let step = 1 << 18
    var position = address
    var left = count
    while left >= UInt64(pattern.count) {
      let wanted = Int(min(left, UInt64(step + pattern.count - 1)))
      let bytes = target.readMemory(process, position, count: wanted)
      if let found = firstIndex(of: pattern, in: bytes) {
        return .text("1," + Hex.text(position &+ UInt64(found)))
      }
      guard bytes.count == wanted else { return .error(1) }
      position &+= UInt64(step)
      left -= min(left, UInt64(step))
    }
    return .text("0")
  }

  private func firstIndex(of pattern: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= pattern.count else { return nil }
    return (0...bytes.count - pattern.count).first { start in
      bytes[start] == pattern[0] && bytes[start..<start + pattern.count].elementsEqual(pattern)
    }
  }

  /// LLDB's docs/resources/lldbgdbremote.md, "qMemoryRegionInfo".
  private func describe(_ region: MemoryRegion) -> Reply {
    var text = "start:\(Hex.text(region.start));size:\(Hex.text(region.end &- region.start));"
    if let protection = region.protection {
      let letters = [(1, "r"), (2, "w"), (4, "x")].filter { protection & Int32($0.0) != 0 }.map(\.1).joined()
      text += "permissions:\(letters);"
    }
    if !region.name.isEmpty { text += "name:\(Hex.encode(region.name));" }
    return .text(text)
  }

  // MARK: Objects

  func respondAboutObjects(_ request: Request) throws(DebugError) -> Reply? {
    switch request {
    case .readObject(let name, let annex, let offset, let count):
      guard let object = try object(name, annex, from: offset) else { return .unsupported }
      return .part(of: object, offset: offset, count: count, byteCountMax: packetByteCountMax)
    case .writeObject("siginfo", _, let offset, let bytes):
      // A part of it is put into what there was. To read that again would be a sign that another function is called.
      var whole = signalInfo ?? [UInt8](repeating: 0, count: Self.signalInfoByteCount)
      guard offset <= UInt64(whole.count), bytes.count <= whole.count - Int(offset) else { return .error(22) }
      whole.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
      try target.setSignalInfo(currentThread, whole)
      return .text(Hex.text(UInt64(bytes.count)))
    case .threadLocalAddress(let selector, let offset, let linkMap):
      let address = try target.threadLocalAddress(try thread(selector), offset: offset, linkMap: linkMap)
      return .text(Hex.text(address))
    default: return .unsupported
    }
  }

  /// The whole object that a qXfer request names; nil if there are none of that kind.
  private func object(_ name: String, _ annex: String, from offset: UInt64) throws(DebugError) -> [UInt8]? {
    switch name {
    case "features":
      guard annex == "target.xml" else { throw DebugError("there is no \(annex)", number: 2) }
      return Array(TargetDescription.xml(registerFile).utf8)
    case "auxv": return target.auxiliaryVector(currentThread.process)
    case "exec-file":
      let process = annex.isEmpty ? currentThread.process : Int32(annex, radix: 16)
      guard let path = process.flatMap({ target.executablePath($0) }) else {
        throw DebugError("the executable isn't known", number: 2)
      }
      return Array(path.utf8)
    case "siginfo":
      if offset > 0, let signalInfo { return signalInfo }
      let info = try target.signalInfo(currentThread)
      signalInfo = info
      return info
    default: return nil
    }
  }
}
