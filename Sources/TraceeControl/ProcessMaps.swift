package import KernelABI

/// One line of /proc/PID/maps (proc_pid_maps(5)).
package struct ProcessMapping: Equatable, Sendable {
  package var range: RemoteRange
  /// PROT_* of mmap(2).
  package var protection: Int32
  package var isShared: Bool
  package var fileOffset: UInt64
  /// As stat(2)'s `st_dev` encodes it.
  package var device: UInt64
  package var inode: UInt64
  /// A path (with ` (deleted)` where it is gone), `[stack]` and the like, or empty.
  package var name: String

  package var isWritable: Bool { protection & 2 != 0 }
  package var isReadable: Bool { protection & 1 != 0 }
  package var isExecutable: Bool { protection & 4 != 0 }

  /// Whether the kernel would make one mapping of the two.
  func isContinued(by next: ProcessMapping) -> Bool {
    range.end == next.range.start && protection == next.protection && isShared == next.isShared
      && device == next.device && inode == next.inode && name == next.name
      && (inode == 0 || fileOffset + range.byteCount == next.fileOffset)
  }
}

package enum ProcessMaps {
  /// The mappings of a process, in address order; empty if it is gone.
  package static func read(_ tid: Tid) -> [ProcessMapping] {
    guard let text = ProcFS.readFile("/proc/\(tid)/maps") else { return [] }
    return parse(text)
  }

  /// The mappings of the program, as it knows them: without rrs's own, and with the rights that it gave them where the
  /// engine protects pages or memory is absent.
  package static func readProgram(_ tracee: Tracee) -> [ProcessMapping] {
    let mappings = read(tracee.tid).filter { !OwnMemory.owns($0.range) }
    let space = tracee.addressSpace
    guard !space.writeProtected.isEmpty || space.absent != nil else { return mappings }
    var pieces = space.writeProtected.map { page, protection in
      (range: RemoteRange(RemotePointer(page), byteCount: pageSize), protection: protection)
    }
    pieces += space.absent?.pieces(in: .all).map { ($0.range, $0.protection) } ?? []
    pieces.sort { $0.range.start < $1.range.start }
    var result: [ProcessMapping] = []
    var next = 0
    // Borders that the program doesn't know of.
    var isOwnBorder = false
    func add(_ mapping: ProcessMapping, _ range: RemoteRange, _ protection: Int32) {
      guard !range.isEmpty else { return }
      var part = mapping
      part.range = range
      part.protection = protection
      if mapping.inode != 0 { part.fileOffset += range.start - mapping.range.start }
      if isOwnBorder, let last = result.last, last.isContinued(by: part) {
        result[result.count - 1].range.end = range.end
      } else {
        result.append(part)
      }
    }
    for mapping in mappings {
      var start = mapping.range.start
      isOwnBorder = isOwnBorder && result.last?.range.end == start
      while next < pieces.count, pieces[next].range.start < mapping.range.end {
        guard let range = pieces[next].range.intersection(mapping.range) else {
          next += 1
          continue
        }
        if start < range.start { add(mapping, RemoteRange(start, range.start), mapping.protection) }
        isOwnBorder = isOwnBorder || start == range.start
        add(mapping, range, pieces[next].protection)
        isOwnBorder = true
        start = range.end
        if pieces[next].range.end > mapping.range.end { break }
        next += 1
      }
      if start < mapping.range.end {
        add(mapping, RemoteRange(start, mapping.range.end), mapping.protection)
        isOwnBorder = next < pieces.count && pieces[next].range.start == mapping.range.end
      }
    }
    return result
  }

  package static func parse(_ text: [UInt8]) -> [ProcessMapping] {
    text.split(separator: UInt8(ascii: "\n")).compactMap { parseLine($0) }
  }

  /// `start-end perms offset major:minor inode   name`
  private static func parseLine(_ line: ArraySlice<UInt8>) -> ProcessMapping? {
    var rest = line
    guard let start = hex(&rest), skip(&rest, "-"), let end = hex(&rest), skip(&rest, " "), rest.count > 5 else {
      return nil
    }
    let flags = Array(rest.prefix(4))
    rest = rest.dropFirst(5)
    guard
      let offset = hex(&rest), skip(&rest, " "), let major = hex(&rest), skip(&rest, ":"), let minor = hex(&rest),
      skip(&rest, " ")
    else { return nil }
    var inode: UInt64 = 0
    while let digit = rest.first, (0x30...0x39).contains(digit) {
      inode = inode &* 10 &+ UInt64(digit - 0x30)
      rest = rest.dropFirst()
    }
    let name = rest.drop { $0 == UInt8(ascii: " ") }
    var protection: Int32 = 0
    if flags[0] == UInt8(ascii: "r") { protection |= 1 }
    if flags[1] == UInt8(ascii: "w") { protection |= 2 }
    if flags[2] == UInt8(ascii: "x") { protection |= 4 }
    return ProcessMapping(
      range: RemoteRange(RemotePointer(start), RemotePointer(end)), protection: protection,
      isShared: flags[3] == UInt8(ascii: "s"), fileOffset: offset, device: makeDevice(major: major, minor: minor),
      inode: inode, name: String(decoding: name, as: UTF8.self))
  }

  /// makedev(3), glibc's encoding, which is stat(2)'s too.
  package static func makeDevice(major: UInt64, minor: UInt64) -> UInt64 {
    (major & 0xfff) << 8 | (major & ~0xfff) << 32 | (minor & 0xff) | (minor & ~0xff) << 12
  }

  private static func hex(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    let before = bytes.count
    while let digit = bytes.first {
      switch digit {
      case 0x30...0x39: value = value << 4 | UInt64(digit - 0x30)
      case 0x61...0x66: value = value << 4 | UInt64(digit - 0x61 + 10)
      default: return bytes.count < before ? value : nil
      }
      bytes = bytes.dropFirst()
    }
    return bytes.count < before ? value : nil
  }

  private static func skip(_ bytes: inout ArraySlice<UInt8>, _ character: Character) -> Bool {
    guard bytes.first == character.asciiValue else { return false }
    bytes = bytes.dropFirst()
    return true
  }
}
