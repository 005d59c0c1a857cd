package import KernelABI

/// The registers as gdb sees them: their numbers, and where their bytes are in a `ThreadRegisters`.
///
/// Names, order and types are those of gdb's own features (gdb/features/i386/64bit-*.xml): core, sse, linux, segments,
/// and avx, avx512 and pkeys where the processor has them. The XSAVE area's standard format: Intel's manual, volume 1,
/// chapter 13.
package struct RegisterFile: Sendable {
  package let registers: [RegisterDescription]
  /// Where the registers begin in the reply to `g`.
  private let offsets: [Int]
  package let byteCount: Int
  package let features: RegisterFeatures

  package init(_ features: RegisterFeatures) {
    self.features = features
    registers = RegisterDescription.all(features)
    var offsets: [Int] = []
    var total = 0
    for register in registers {
      offsets.append(total)
      total += register.byteCount
    }
    self.offsets = offsets
    byteCount = total
  }

  /// The bytes of a register in the target's order; nil for a number that there isn't.
  package func bytes(of number: Int, in state: ThreadRegisters) -> [UInt8]? {
    guard registers.indices.contains(number) else { return nil }
    let register = registers[number]
    return switch register.place {
    case .general(let field): littleEndian(state.general[keyPath: field], count: register.byteCount)
    case .x87Word(let offset, let count, let mask):
      littleEndian(ExtendedState(state.extended).x87Word(at: offset, count: count) & mask, count: 4)
    case .x87Tags: littleEndian(UInt64(ExtendedState(state.extended).x87Tags), count: 4)
    case .component(let index, let offset):
      ExtendedState(state.extended).bytes(
        component: index, at: start(of: index).map { $0 + offset }, count: register.byteCount)
    }
  }

  /// All registers, one after the other: the reply to `g`.
  package func allBytes(in state: ThreadRegisters) -> [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(byteCount)
    for number in registers.indices { all += bytes(of: number, in: state) ?? [] }
    return all
  }

  /// False if there is no such register, or `bytes` aren't as many as it has.
  package func set(_ number: Int, to bytes: [UInt8], in state: inout ThreadRegisters) -> Bool {
    guard registers.indices.contains(number), bytes.count == registers[number].byteCount else { return false }
    switch registers[number].place {
    case .general(let field): state.general[keyPath: field] = value(bytes)
    case .x87Word(let offset, let count, _):
      // MXCSR, at 24, goes with SSE.
      ExtendedState.write(
        Array(bytes.prefix(count)), component: offset == 24 ? 1 : 0, at: offset, size: 0, to: &state.extended)
    case .x87Tags:
      // The area has one bit a register: whether it is in use.
      let tags = value(bytes)
      let abridged = (0..<8).reduce(UInt8(0)) { $0 | (tags >> ($1 * 2) & 3 == 3 ? 0 : 1 << $1) }
      ExtendedState.write([abridged], component: 0, at: 4, size: 0, to: &state.extended)
    case .component(let index, let offset):
      guard let start = start(of: index) else { return false }
      ExtendedState.write(
        bytes, component: index, at: start + offset, start: start,
        size: RegisterDescription.componentByteCount(index), to: &state.extended)
    }
    return true
  }

  package func setAll(_ bytes: [UInt8], in state: inout ThreadRegisters) -> Bool {
    guard bytes.count == byteCount else { return false }
    for (number, register) in registers.enumerated() {
      let part = Array(bytes[offsets[number]..<offsets[number] + register.byteCount])
      // What doesn't change isn't written, so that a component in its initial state stays there.
      guard part != self.bytes(of: number, in: state) else { continue }
      guard set(number, to: part, in: &state) else { return false }
    }
    return true
  }

  /// The value of a register that fits into 64 bits and is among the general ones, by its number.
  package func generalValue(_ number: Int, _ general: Registers) -> UInt64? {
    guard registers.indices.contains(number), case .general(let field) = registers[number].place else { return nil }
    let value = general[keyPath: field]
    return registers[number].byteCount == 4 ? value & 0xffff_ffff : value
  }

  /// The legacy area holds components 0 and 1, x87 and SSE.
  private func start(of component: Int) -> Int? { component < 2 ? 0 : features.offsets[component] }

  private func littleEndian(_ value: UInt64, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private func value(_ bytes: [UInt8]) -> UInt64 {
    bytes.prefix(8).enumerated().reduce(0) { $0 | UInt64($1.element) << ($1.offset * 8) }
  }
}

/// Reads and writes an XSAVE area of the standard format.
///
/// A component whose bit in XSTATE_BV (at 512) is clear is in its initial state, whatever its bytes are.
struct ExtendedState {
  static let headerOffset = 512
  static let initialControlWord: [UInt8] = [0x7f, 0x03]
  let area: [UInt8]

  init(_ area: [UInt8]) { self.area = area }

  func isInUse(_ component: Int) -> Bool {
    // Without a header, this is what FXSAVE stores: x87 and SSE.
    guard area.count >= Self.headerOffset + 64 else { return component < 2 }
    return area[Self.headerOffset + component / 8] >> UInt8(component % 8) & 1 == 1
  }

  func bytes(component: Int, at offset: Int?, count: Int) -> [UInt8] {
    guard let offset, isInUse(component), offset + count <= area.count else {
      return [UInt8](repeating: 0, count: count)
    }
    return Array(area[offset..<offset + count])
  }

  func x87Word(at offset: Int, count: Int) -> UInt64 {
    // MXCSR belongs to SSE, but isn't reset with it (Intel's manual, volume 1, 13.6): it is what the area says.
    let isControlWord = offset == 0
    let isMXCSR = offset == 24
    guard offset + count <= area.count else { return isControlWord ? 0x37f : 0 }
    guard isMXCSR || isInUse(0) else { return isControlWord ? 0x37f : 0 }
    return area[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Two bits for each physical register: 0 valid, 1 zero, 2 special, 3 empty. The area only says which aren't empty.
  var x87Tags: UInt16 {
    let inUse = UInt8(x87Word(at: 4, count: 1))
    let top = Int(x87Word(at: 2, count: 2) >> 11 & 7)
    var tags: UInt16 = 0
    for physical in 0..<8 {
      let isEmpty = inUse >> UInt8(physical) & 1 == 0
      let tag = isEmpty ? 3 : kind(ofStackRegister: (physical - top) & 7)
      tags |= tag << UInt16(physical * 2)
    }
    return tags
  }

  private func kind(ofStackRegister index: Int) -> UInt16 {
    let value = bytes(component: 0, at: 32 + 16 * index, count: 10)
    let exponent = (UInt16(value[9]) << 8 | UInt16(value[8])) & 0x7fff
    let isNormal = value[7] & 0x80 != 0
    if exponent == 0x7fff { return 2 }
    if exponent == 0 { return value[..<8].allSatisfy { $0 == 0 } ? 1 : 2 }
    return isNormal ? 0 : 2
  }

  /// Writes a part of a component that begins at `start` and has `size` bytes. Out of its initial state, the rest of it
  /// gets that state's values.
  static func write(
    _ bytes: [UInt8], component: Int, at offset: Int, start: Int = 0, size: Int, to area: inout [UInt8]
  ) {
    guard offset + bytes.count <= area.count else { return }
    if !ExtendedState(area).isInUse(component) {
      switch component {
      case 0:
        for index in 0..<24 { area[index] = 0 }
        for index in 32..<160 { area[index] = 0 }
        area.replaceSubrange(0..<2, with: initialControlWord)
      case 1: for index in 160..<416 { area[index] = 0 }
      default: for index in start..<min(start + size, area.count) { area[index] = 0 }
      }
      area[headerOffset + component / 8] |= 1 << UInt8(component % 8)
    }
    area.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }
}
