/// Where the debug information of compilation units lies that were compiled with -gsplit-dwarf: in `.dwo` files, of
/// which the skeleton units in the executable tell (DWARF 5, 3.1.2 "Skeleton Compilation Unit Entries").
package struct SplitUnits {
  package struct Unit: Hashable {
    /// As it was compiled: absolute, or relative to `directory`.
    package var name: String
    package var directory: String
  }

  private struct Abbreviation {
    /// Attribute, form, and the value of DW_FORM_implicit_const.
    var attributes: [(name: UInt64, form: UInt64)] = []
  }

  private struct Header {
    var version: UInt64
    var isLong: Bool
    var addressByteCount: Int
    var abbreviations: Int
    var content: Int
    var end: Int

    var offsetByteCount: Int { isLong ? 8 : 4 }
  }

  private enum Value {
    case text(String)
    /// An index of `.debug_str_offsets`.
    case indexed(UInt64)
    case number(UInt64)
  }

  private let information: LittleEndian
  private let abbreviations: LittleEndian
  private let strings: LittleEndian
  private let lineStrings: LittleEndian
  private let stringOffsets: LittleEndian

  package static func units(of file: ObjectFile) -> [Unit] {
    // Skeletons share addresses with what was split off. Without them .debug_info can be huge.
    guard file.sections.contains(where: { $0.name == ".debug_addr" }), let information = file.content(".debug_info"),
      let abbreviations = file.content(".debug_abbrev")
    else { return [] }
    let empty = LittleEndian([])
    let units = SplitUnits(
      information: information, abbreviations: abbreviations, strings: file.content(".debug_str") ?? empty,
      lineStrings: file.content(".debug_line_str") ?? empty, stringOffsets: file.content(".debug_str_offsets") ?? empty)
    return units.all()
  }

  private func all() -> [Unit] {
    var units: [Unit] = []
    var position = 0
    while let header = header(at: position) {
      if let unit = unit(header) { units.append(unit) }
      position = header.end
    }
    return units
  }

  /// Of the unit at an offset; nil at the end, and where it isn't understood (DWARF 5, 7.5.1).
  private func header(at start: Int) -> Header? {
    guard start + 12 <= information.bytes.count else { return nil }
    let first = information.value(start, 4)
    let isLong = first == 0xffff_ffff
    let lengthEnd = start + (isLong ? 12 : 4)
    let length = isLong ? information.value(start + 4, 8) : first
    guard length > 0, length <= UInt64(information.bytes.count - lengthEnd) else { return nil }
    let offsetByteCount = isLong ? 8 : 4
    let version = information.value(lengthEnd, 2)
    var header = Header(
      version: version, isLong: isLong, addressByteCount: 8, abbreviations: 0, content: lengthEnd + 2,
      end: lengthEnd + Int(length))
    if version >= 5 {
      let type = information.value(header.content, 1)
      header.addressByteCount = Int(information.value(header.content + 1, 1))
      header.abbreviations = Int(clamping: information.value(header.content + 2, offsetByteCount))
      header.content += 2 + offsetByteCount
      // DW_UT_skeleton and DW_UT_split_compile have a unit's number, DW_UT_type and DW_UT_split_type more.
      switch type {
      case 4, 5: header.content += 8
      case 2, 6: header.content += 8 + offsetByteCount
      default: break
      }
    } else {
      header.abbreviations = Int(clamping: information.value(header.content, offsetByteCount))
      header.addressByteCount = Int(information.value(header.content + offsetByteCount, 1))
      header.content += offsetByteCount + 1
    }
    return header
  }

  private func unit(_ header: Header) -> Unit? {
    let (dwoName, gnuDwoName, directoryName, offsetsBase): (UInt64, UInt64, UInt64, UInt64) = (0x76, 0x2130, 0x1b, 0x72)
    var cursor = Cursor(information, header.content)
    guard let abbreviation = abbreviation(cursor.unsigned(), at: header.abbreviations) else { return nil }
    var values: [UInt64: Value] = [:]
    for attribute in abbreviation.attributes {
      guard let value = value(attribute.form, header, &cursor) else { break }
      values[attribute.name] = value
    }
    var base = header.isLong ? 16 : 8
    if case .number(let number)? = values[offsetsBase] { base = Int(clamping: number) }
    func text(_ name: UInt64) -> String? {
      switch values[name] {
      case .text(let text): return text
      case .indexed(let index):
        let offset = base &+ Int(clamping: index) &* header.offsetByteCount
        return strings.string(Int(clamping: stringOffsets.value(offset, header.offsetByteCount)))
      default: return nil
      }
    }
    guard let name = text(dwoName) ?? text(gnuDwoName), !name.isEmpty else { return nil }
    return Unit(name: name, directory: text(directoryName) ?? "")
  }

  private func abbreviation(_ code: UInt64, at offset: Int) -> Abbreviation? {
    let implicitConstant: UInt64 = 0x21
    var cursor = Cursor(abbreviations, offset)
    while code != 0, !cursor.isAtEnd {
      let found = cursor.unsigned()
      if found == 0 { return nil }
      _ = cursor.unsigned()
      cursor.skip(1)
      var result = Abbreviation()
      while !cursor.isAtEnd {
        let (name, form) = (cursor.unsigned(), cursor.unsigned())
        if form == implicitConstant { _ = cursor.unsigned() }
        if name == 0, form == 0 { break }
        result.attributes.append((name, form))
      }
      if found == code { return result }
    }
    return nil
  }

  /// The value of a form (DWARF 5, 7.5.6), nil for one that isn't known: what comes behind it can't be found.
  private func value(_ form: UInt64, _ header: Header, _ cursor: inout Cursor) -> Value? {
    switch form {
    case 0x01: return .number(cursor.fixed(header.addressByteCount))
    case 0x0b, 0x0c, 0x11: return .number(cursor.fixed(1))
    case 0x05, 0x12: return .number(cursor.fixed(2))
    case 0x06, 0x13, 0x1c: return .number(cursor.fixed(4))
    case 0x07, 0x14, 0x20, 0x24: return .number(cursor.fixed(8))
    case 0x0d, 0x0f, 0x15, 0x1b, 0x22, 0x23, 0x1f01: return .number(cursor.unsigned())
    case 0x17, 0x10, 0x1f20, 0x1d: return .number(cursor.fixed(header.offsetByteCount))
    case 0x19, 0x21: return .number(1)
    case 0x08: return .text(cursor.string())
    case 0x0e: return .text(strings.string(Int(clamping: cursor.fixed(header.offsetByteCount))))
    case 0x1f: return .text(lineStrings.string(Int(clamping: cursor.fixed(header.offsetByteCount))))
    case 0x1a, 0x1f02: return .indexed(cursor.unsigned())
    case 0x25: return .indexed(cursor.fixed(1))
    case 0x26: return .indexed(cursor.fixed(2))
    case 0x27: return .indexed(cursor.fixed(3))
    case 0x28: return .indexed(cursor.fixed(4))
    case 0x29: return .number(cursor.fixed(1))
    case 0x2a: return .number(cursor.fixed(2))
    case 0x2b: return .number(cursor.fixed(3))
    case 0x2c: return .number(cursor.fixed(4))
    case 0x1e: cursor.skip(16)
    case 0x0a: cursor.skip(Int(cursor.fixed(1)))
    case 0x03: cursor.skip(Int(cursor.fixed(2)))
    case 0x04: cursor.skip(Int(cursor.fixed(4)))
    case 0x09, 0x18: cursor.skip(Int(clamping: cursor.unsigned()))
    default: return nil
    }
    return .number(0)
  }
}

/// A place in bytes, which goes on with what is read. Behind their end all is zero.
private struct Cursor {
  private let source: LittleEndian
  private var position: Int

  init(_ source: LittleEndian, _ position: Int) {
    self.source = source
    self.position = position
  }

  var isAtEnd: Bool { position >= source.bytes.count }

  mutating func skip(_ count: Int) { position += max(0, min(count, source.bytes.count - position)) }

  mutating func fixed(_ count: Int) -> UInt64 {
    let value = source.value(position, min(count, 8))
    skip(count)
    return value
  }

  /// ULEB128; enough for SLEB128, too, where only its end matters.
  mutating func unsigned() -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while !isAtEnd {
      let byte = UInt64(source.bytes[position])
      position += 1
      if shift < 64 { result |= (byte & 0x7f) << shift }
      shift += 7
      if byte & 0x80 == 0 { break }
    }
    return result
  }

  mutating func string() -> String {
    let text = source.string(position)
    skip(text.utf8.count + 1)
    return text
  }
}
