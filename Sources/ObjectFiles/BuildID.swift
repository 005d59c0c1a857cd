/// The build id of an ELF file: the note NT_GNU_BUILD_ID that linkers put into what they make (elf(5), "Notes").
package struct BuildID: Equatable, Sendable, CustomStringConvertible {
  package var bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  package enum Failure: Error { case notELF }

  private static let noteType: UInt64 = 3
  private static let noteName = Array("GNU\0".utf8)

  /// Nil for a file that has none. `read` gives as many bytes at an offset as the file has there.
  package static func find(_ read: (_ offset: UInt64, _ count: Int) -> [UInt8]) throws(Failure) -> BuildID? {
    guard let layout = HeaderLayout(identification: read(0, 6)) else { throw .notELF }
    let header = LittleEndian(read(0, layout.byteCount))
    guard header.bytes.count == layout.byteCount else { throw .notELF }
    // Segments are what a running program has; files with symbols alone keep only the sections' contents.
    for table in [layout.segments, layout.sections] {
      let start = header.value(table.offset, layout.wordByteCount)
      let entryByteCount = Int(header.value(table.entryByteCount, 2))
      for index in 0..<header.value(table.entryByteCount + 2, 2) where entryByteCount >= table.entryByteCountMin {
        let entry = LittleEndian(read(start &+ index &* UInt64(entryByteCount), entryByteCount))
        guard entry.bytes.count == entryByteCount, entry.value(table.entryType, 4) == table.noteType else { continue }
        let count = Int(clamping: min(entry.value(table.contentByteCount, layout.wordByteCount), notesByteCountMax))
        let notes = LittleEndian(read(entry.value(table.contentOffset, layout.wordByteCount), count))
        let alignment = entry.value(table.alignment, layout.wordByteCount) == 8 ? 8 : 4
        if let found = find(in: notes, alignment: alignment) { return found }
      }
    }
    return nil
  }

  private static let notesByteCountMax: UInt64 = 1 << 20

  private static func find(in notes: LittleEndian, alignment: Int) -> BuildID? {
    func aligned(_ offset: Int) -> Int { (offset + alignment - 1) & -alignment }
    let headerByteCount = 12
    var position = 0
    while position + headerByteCount <= notes.bytes.count {
      let name = position + headerByteCount
      let content = aligned(name + Int(notes.value(position, 4)))
      let end = content + Int(notes.value(position + 4, 4))
      guard end <= notes.bytes.count else { return nil }
      if notes.value(position + 8, 4) == noteType, notes.bytes[name..<content].starts(with: noteName), end > content {
        return BuildID(bytes: Array(notes.bytes[content..<end]))
      }
      position = aligned(end)
    }
    return nil
  }

  package var description: String {
    bytes.reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
  }
}

/// Where the fields of Elf32_Ehdr or Elf64_Ehdr are, and those of what it points to (elf(5)).
private struct HeaderLayout {
  struct Table {
    /// In the header: of the table's place, and of its entries' size, which their number follows.
    var offset: Int
    var entryByteCount: Int
    /// In an entry.
    var entryType = 0
    var contentOffset: Int
    var contentByteCount: Int
    var alignment: Int
    var entryByteCountMin: Int
    /// PT_NOTE, SHT_NOTE
    var noteType: UInt64
  }

  var byteCount: Int
  var wordByteCount: Int
  var segments: Table
  var sections: Table

  init?(identification bytes: [UInt8]) {
    let littleEndian: UInt8 = 1
    guard bytes.count == 6, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]), bytes[5] == littleEndian else { return nil }
    switch bytes[4] {
    case 1: self = .bits32
    case 2: self = .bits64
    default: return nil
    }
  }

  private init(byteCount: Int, wordByteCount: Int, segments: Table, sections: Table) {
    self.byteCount = byteCount
    self.wordByteCount = wordByteCount
    self.segments = segments
    self.sections = sections
  }

  private static var bits32: HeaderLayout {
    HeaderLayout(
      byteCount: 52, wordByteCount: 4,
      segments: Table(
        offset: 28, entryByteCount: 42, contentOffset: 4, contentByteCount: 16, alignment: 28, entryByteCountMin: 32,
        noteType: 4),
      sections: Table(
        offset: 32, entryByteCount: 46, entryType: 4, contentOffset: 16, contentByteCount: 20, alignment: 32,
        entryByteCountMin: 40, noteType: 7))
  }

  private static var bits64: HeaderLayout {
    HeaderLayout(
      byteCount: 64, wordByteCount: 8,
      segments: Table(
        offset: 32, entryByteCount: 54, contentOffset: 8, contentByteCount: 32, alignment: 48, entryByteCountMin: 56,
        noteType: 4),
      sections: Table(
        offset: 40, entryByteCount: 58, entryType: 4, contentOffset: 24, contentByteCount: 32, alignment: 48,
        entryByteCountMin: 64, noteType: 7))
  }
}
