/// A thread's FPU and vector state, as PTRACE_GETREGSET hands it out: an XSAVE area in the standard format.
///
/// What the kernel left out because it is in its initial configuration is put in, so that the bytes don't tell any more
/// whether it was.
package struct ProcessorState: Equatable, Sendable {
  package private(set) var bytes: [UInt8]
  private let layout: ExtendedStateLayout

  static let mxcsr = 24..<32
  static let x87Registers = 32..<160
  static let sseRegisters = 160..<416
  private static let initialControlWord: UInt16 = 0x37F

  package init(bytes: [UInt8], layout: ExtendedStateLayout) {
    self.bytes = bytes + [UInt8](repeating: 0, count: max(ExtendedStateLayout.extendedOffset - bytes.count, 0))
    self.layout = layout
    let present = quadword(ExtendedStateLayout.headerOffset)
    if present & 1 == 0 {
      clear(0..<24)
      clear(Self.x87Registers)
      controlWord = Self.initialControlWord
    }
    if present & 2 == 0 { clear(Self.sseRegisters) }
    for (number, component) in layout.components.enumerated() {
      guard let component, present & (1 << UInt64(number)) == 0 else { continue }
      let end = min(component.offset + component.byteCount, self.bytes.count)
      if component.offset < end { clear(component.offset..<end) }
    }
    forgetPointers()
  }

  /// The bytes of a component, zeros if this machine doesn't have it.
  package func component(_ number: Int, byteCount: Int) -> [UInt8] {
    guard let component = layout[number], component.offset + byteCount <= bytes.count else {
      return [UInt8](repeating: 0, count: byteCount)
    }
    return Array(bytes[component.offset..<(component.offset + byteCount)])
  }

  // MARK: - x87

  package internal(set) var controlWord: UInt16 {
    get { word(0) }
    set { store(newValue, 0) }
  }

  package internal(set) var statusWord: UInt16 {
    get { word(2) }
    set { store(newValue, 2) }
  }

  /// The full tag word, of which the area holds one bit for each register (Intel SDM volume 1, 10.5.1.1).
  package var tagWord: UInt16 {
    let top = Int(statusWord >> 11) & 7
    var result: UInt16 = 0
    for register in 0..<8 {
      let tag = bytes[4] & (1 << UInt8(register)) == 0 ? 3 : tag(ofStackRegister: (register - top) & 7)
      result |= tag << UInt16(2 * register)
    }
    return result
  }

  /// 0 for a number, 1 for zero, 2 for what is special.
  private func tag(ofStackRegister index: Int) -> UInt16 {
    let start = Self.x87Registers.lowerBound + 16 * index
    let exponent = word(start + 8) & 0x7FFF
    let mantissa = quadword(start)
    if exponent == 0 { return mantissa == 0 ? 1 : 2 }
    return exponent == 0x7FFF || mantissa >> 63 == 0 ? 2 : 0
  }

  package var opcode: UInt16 { word(6) }
  /// The address of the last x87 instruction.
  package internal(set) var instructionPointer: UInt64 {
    get { quadword(8) }
    set { store(newValue, 8) }
  }
  package var dataPointer: UInt64 { quadword(16) }

  /// The pointers have a meaning for a handler of a pending exception alone, and AMD's processors don't keep them
  /// otherwise when a thread is switched (AMD64 manual volume 2, 11.4.4): without one they are zero.
  private mutating func forgetPointers() {
    if statusWord & 0x80 == 0 { clear(6..<24) }
  }

  /// What `fninit` does, and with that `fnsave` (Intel SDM volume 2, FINIT).
  package mutating func initializeX87() {
    clear(0..<24)
    controlWord = Self.initialControlWord
    markPresent()
  }

  /// What `fnstenv` does after storing: exceptions are masked, and so none is pending any more.
  package mutating func maskX87Exceptions() {
    controlWord |= 0x3F
    statusWord &= ~0x8080
    forgetPointers()
    markPresent()
  }

  private mutating func markPresent() {
    store(quadword(ExtendedStateLayout.headerOffset) | 1, ExtendedStateLayout.headerOffset)
  }

  // MARK: - Bytes

  private mutating func clear(_ range: Range<Int>) { for index in range { bytes[index] = 0 } }

  private func word(_ offset: Int) -> UInt16 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) }
  }

  private func quadword(_ offset: Int) -> UInt64 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
  }

  private mutating func store(_ value: some FixedWidthInteger & BitwiseCopyable, _ offset: Int) {
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: type(of: value)) }
  }
}
