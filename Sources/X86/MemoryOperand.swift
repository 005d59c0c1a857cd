package import KernelABI

/// Where a memory operand is: segment base + base + index * scale + displacement.
package struct MemoryOperand: Equatable, Sendable {
  package enum Base: Equatable, Sendable {
    case register(GeneralRegister)
    /// The end of the instruction itself.
    case nextInstruction
  }

  /// The segments whose base isn't zero in 64-bit mode.
  package enum Segment: Equatable, Sendable { case fs, gs }

  package var base: Base?
  package var index: GeneralRegister?
  /// 1, 2, 4 or 8.
  package var scale: UInt64 = 1
  package var displacement: Int64 = 0
  package var segment: Segment?
  /// An address-size prefix: all but the segment's base is cut to 32 bits.
  package var isNarrow = false

  package init(
    base: Base? = nil, index: GeneralRegister? = nil, scale: UInt64 = 1, displacement: Int64 = 0,
    segment: Segment? = nil, isNarrow: Bool = false
  ) {
    self.base = base
    self.index = index
    self.scale = scale
    self.displacement = displacement
    self.segment = segment
    self.isNarrow = isNarrow
  }

  /// The address that the operand of an instruction of `length` bytes at `registers.rip` has.
  package func address(_ registers: Registers, length: UInt8) -> UInt64 {
    var sum = UInt64(bitPattern: displacement)
    switch base {
    case .register(let register): sum &+= registers[register]
    case .nextInstruction: sum &+= registers.rip &+ UInt64(length)
    case nil: break
    }
    if let index { sum &+= registers[index] &* scale }
    if isNarrow { sum &= 0xFFFF_FFFF }
    switch segment {
    case .fs: return sum &+ registers.fsBase
    case .gs: return sum &+ registers.gsBase
    case nil: return sum
    }
  }
}
