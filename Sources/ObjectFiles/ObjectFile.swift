/// What a debugger needs to know of an ELF file of x86-64 (elf(5)). Nothing that the file says is trusted.
package struct ObjectFile {
  package struct Section {
    package var name: String
    package var offset: UInt64
    package var byteCount: UInt64
    /// SHF_COMPRESSED: the content has to be inflated first.
    package var isCompressed: Bool
  }

  private struct Segment {
    var type: UInt64
    var offset: UInt64
    var address: UInt64
    var byteCount: UInt64
  }

  private static let contentByteCountMax: UInt64 = 1 << 30

  /// Gives as many bytes at an offset as the file has there.
  package typealias Read = (_ offset: UInt64, _ count: Int) -> [UInt8]

  private let read: Read
  private let segments: [Segment]
  package let sections: [Section]

  /// Nil for what is no such file.
  package init?(_ read: @escaping Read) {
    let header = LittleEndian(read(0, 64))
    // ELFCLASS64, ELFDATA2LSB, EM_X86_64
    guard header.bytes.count == 64, header.bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]), header.value(18, 2) == 62
    else { return nil }
    self.read = read
    let entries = { (start: UInt64, size: Int, count: UInt64) -> [LittleEndian] in
      (0..<count).map { LittleEndian(read(start &+ $0 &* UInt64(size), size)) }.filter { $0.bytes.count == size }
    }
    segments = entries(header.value(32, 8), 56, header.value(56, 2)).map {
      Segment(type: $0.value(0, 4), offset: $0.value(8, 8), address: $0.value(16, 8), byteCount: $0.value(32, 8))
    }
    let table = entries(header.value(40, 8), 64, header.value(60, 2))
    let namesIndex = Int(header.value(62, 2))
    let names = table.indices.contains(namesIndex) ? table[namesIndex] : LittleEndian([UInt8](repeating: 0, count: 64))
    let nameBytes = read(names.value(24, 8), Int(min(names.value(32, 8), 1 << 20)))
    sections = table.map {
      let compressed: UInt64 = 1 << 11
      let noBits: UInt64 = 8
      return Section(
        name: LittleEndian(nameBytes).string(Int($0.value(0, 4))), offset: $0.value(24, 8),
        byteCount: $0.value(4, 4) == noBits ? 0 : $0.value(32, 8), isCompressed: $0.value(8, 8) & compressed != 0)
    }
  }

  /// A section's bytes; nil where there is none of that name, or it is compressed.
  func content(_ name: String) -> LittleEndian? {
    guard let section = sections.first(where: { $0.name == name }), !section.isCompressed, section.byteCount > 0,
      section.byteCount <= Self.contentByteCountMax
    else { return nil }
    return LittleEndian(read(section.offset, Int(section.byteCount)))
  }

  package var buildID: BuildID? { try? BuildID.find(read) ?? nil }

  /// The name by which others ask for it (DT_SONAME).
  package var sharedObjectName: String? {
    guard let dynamic = segments.first(where: { $0.type == 2 }), dynamic.byteCount <= 1 << 16 else { return nil }
    let entries = LittleEndian(read(dynamic.offset, Int(dynamic.byteCount)))
    var values: [UInt64: UInt64] = [:]
    for start in stride(from: 0, to: entries.bytes.count - 15, by: 16) {
      let tag = entries.value(start, 8)
      if tag == 0 { break }
      if values[tag] == nil { values[tag] = entries.value(start + 8, 8) }
    }
    let (stringTable, soname): (UInt64, UInt64) = (5, 14)
    guard let table = values[stringTable], let offset = values[soname], let start = fileOffset(table) else {
      return nil
    }
    let name = LittleEndian(read(start &+ offset, 256)).string(0)
    return name.isEmpty ? nil : name
  }

  private func fileOffset(_ address: UInt64) -> UInt64? {
    let load: UInt64 = 1
    return segments.first { $0.type == load && $0.address <= address && address - $0.address < $0.byteCount }
      .map { address - $0.address &+ $0.offset }
  }

  /// The file with the debug information that was taken out of this one, and its CRC-32. GDB manual, "Debugging
  /// Information in Separate Files".
  package var debugLink: (name: String, checksum: UInt32)? {
    guard let link = content(".gnu_debuglink"), link.bytes.count >= 8 else { return nil }
    let name = link.string(0)
    return name.isEmpty ? nil : (name, UInt32(link.value(link.bytes.count - 4, 4)))
  }

  /// The file with debug information that several files share (dwz(1)), and its build id.
  package var sharedDebugLink: (name: String, buildID: BuildID)? {
    guard let link = content(".gnu_debugaltlink") else { return nil }
    let name = link.string(0)
    let rest = link.bytes.dropFirst(name.utf8.count + 1)
    return name.isEmpty || rest.isEmpty ? nil : (name, BuildID(bytes: Array(rest)))
  }
}

/// Numbers in bytes that come from a file. What lies behind their end is zero.
struct LittleEndian {
  var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func value(_ offset: Int, _ count: Int) -> UInt64 {
    guard offset >= 0, offset <= bytes.count - count else { return 0 }
    return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Up to the NUL.
  func string(_ offset: Int) -> String {
    guard offset >= 0, offset < bytes.count else { return "" }
    return String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
  }
}
