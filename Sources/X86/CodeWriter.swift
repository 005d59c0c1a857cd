/// Writes the few instruction forms that the translator needs into a buffer of machine code.
///
/// "Absolute" operands are 32-bit addresses without a base register: they reach the lowest 2 GiB from anywhere and
/// need no register. Forms are named by what they do, and none but those that say so changes the flags.
///
/// The writer doesn't check for room: its user reserves enough for a whole unit beforehand.
package struct CodeWriter {
  package let memory: UnsafeMutablePointer<UInt8>
  /// The address in the tracee of the buffer's first byte.
  package let base: UInt64
  package var offset: Int

  @inlinable
  package init(memory: UnsafeMutablePointer<UInt8>, base: UInt64, offset: Int) {
    self.memory = memory
    self.base = base
    self.offset = offset
  }

  /// The tracee's address of the next byte written.
  package var address: UInt64 { base &+ UInt64(bitPattern: Int64(offset)) }

  // MARK: - Bytes

  @inline(__always)
  package mutating func byte(_ value: UInt8) {
    memory[offset] = value
    offset += 1
  }

  @inline(__always)
  package mutating func dword(_ value: UInt32) {
    UnsafeMutableRawPointer(memory + offset).storeBytes(of: value, as: UInt32.self)
    offset += 4
  }

  @inline(__always)
  package mutating func qword(_ value: UInt64) {
    UnsafeMutableRawPointer(memory + offset).storeBytes(of: value, as: UInt64.self)
    offset += 8
  }

  @inline(__always)
  package mutating func bytes(_ source: UnsafePointer<UInt8>, count: Int) {
    (memory + offset).update(from: source, count: count)
    offset += count
  }

  /// The low 32 bits of `count` bytes, least significant first.
  @inline(__always)
  private mutating func opcode(_ value: UInt32, _ count: Int) {
    UnsafeMutableRawPointer(memory + offset).storeBytes(of: value, as: UInt32.self)
    offset += count
  }

  // MARK: - Moves

  /// `mov [absolute], register`
  @inline(__always)
  package mutating func store(_ register: GeneralRegister, absolute: UInt32) {
    let number = register.rawValue
    opcode(0x2500_8948 | UInt32(number >> 3) << 2 | UInt32(4 | (number & 7) << 3) << 16, 4)
    dword(absolute)
  }

  /// `mov register, [absolute]`
  @inline(__always)
  package mutating func load(_ register: GeneralRegister, absolute: UInt32) {
    let number = register.rawValue
    opcode(0x2500_8B48 | UInt32(number >> 3) << 2 | UInt32(4 | (number & 7) << 3) << 16, 4)
    dword(absolute)
  }

  /// `mov dword [absolute], immediate`
  package mutating func store(immediate: UInt32, absolute: UInt32) {
    opcode(0x2504_C7, 3)
    dword(absolute)
    dword(immediate)
  }

  /// `mov ecx, dword [absolute]`, which clears the upper half of rcx.
  package mutating func loadECX(absolute: UInt32) {
    opcode(0x250C_8B, 3)
    dword(absolute)
  }

  /// `movzx ecx, word [absolute]`
  package mutating func loadWordIntoECX(absolute: UInt32) {
    opcode(0x250C_B70F, 4)
    dword(absolute)
  }

  /// `mov rcx, [rcx * 8 + absolute]`
  package mutating func loadRCXIndexedByRCX(absolute: UInt32) {
    opcode(0xCD0C_8B48, 4)
    dword(absolute)
  }

  /// `movzx ecx, cx`
  package mutating func zeroExtendCXIntoECX() { opcode(0xC9_B70F, 3) }

  /// `mov register, immediate`, in its shortest form.
  package mutating func move(_ register: GeneralRegister, immediate: UInt64) {
    let number = register.rawValue
    if immediate <= 0xFFFF_FFFF {
      if number >= 8 { byte(0x41) }
      byte(0xB8 | number & 7)
      dword(UInt32(truncatingIfNeeded: immediate))
    } else {
      byte(0x48 | number >> 3)
      byte(0xB8 | number & 7)
      qword(immediate)
    }
  }

  /// `lea rcx, [rcx + displacement]`
  package mutating func addToRCX(_ displacement: Int32) {
    if let short = Int8(exactly: displacement) {
      opcode(0x49_8D48, 3)
      byte(UInt8(bitPattern: short))
    } else {
      opcode(0x89_8D48, 3)
      dword(UInt32(bitPattern: displacement))
    }
  }

  /// `lea ecx, [rcx + displacement]`, which clears the upper half of rcx.
  package mutating func addToECX(_ displacement: Int32) {
    opcode(0x898D, 2)
    dword(UInt32(bitPattern: displacement))
  }

  /// `lea rsp, [rsp + displacement]`
  package mutating func addToRSP(_ displacement: Int32) {
    opcode(0x24A4_8D48, 4)
    dword(UInt32(bitPattern: displacement))
  }

  // MARK: - The stack

  /// `push immediate`, extended with its sign to 64 bits.
  package mutating func push(immediate: Int32) {
    byte(0x68)
    dword(UInt32(bitPattern: immediate))
  }

  /// `push qword [rip + …]`
  package mutating func push(quadwordAt address: UInt64) {
    opcode(0x35FF, 2)
    relative(to: address)
  }

  /// `pop rcx`
  package mutating func popRCX() { byte(0x59) }

  // MARK: - Counting

  /// `sub qword [absolute], 1`, which writes all status flags.
  package mutating func subtractOne(absolute: UInt32) {
    opcode(0x252C_8348, 4)
    dword(absolute)
    byte(1)
  }

  /// Whether the decrement of a counter in rcx is done at `code`, if it is in the midst of one: before
  /// `lea rcx, [rcx - 1]`, or behind it, before `mov [absolute], rcx`. Nil anywhere else.
  package static func countedInRCX(_ code: UnsafePointer<UInt8>, storingTo absolute: UInt32) -> Bool? {
    let decrement: [UInt8] = [0x48, 0x8D, 0x49, 0xFF]
    var store: [UInt8] = [0x48, 0x89, 0x0C, 0x25]
    for index in 0..<4 { store.append(UInt8(truncatingIfNeeded: absolute >> (8 * UInt32(index)))) }
    if store.indices.allSatisfy({ code[$0] == store[$0] }) { return true }
    return (decrement + store).enumerated().allSatisfy({ code[$0] == $1 }) ? false : nil
  }

  // MARK: - Control flow

  /// The 32-bit distance to `address` from the end of this field.
  @inline(__always)
  package mutating func relative(to address: UInt64) {
    dword(UInt32(truncatingIfNeeded: address &- (self.address &+ 4)))
  }

  /// `jmp address`. Returns the offset of its 32-bit distance.
  @discardableResult
  package mutating func jump(to address: UInt64) -> Int {
    byte(0xE9)
    relative(to: address)
    return offset - 4
  }

  /// `jcc address`. Returns the offset of its 32-bit distance.
  @discardableResult
  package mutating func jump(ifCondition condition: UInt8, to address: UInt64) -> Int {
    byte(0x0F)
    byte(0x80 | condition & 15)
    relative(to: address)
    return offset - 4
  }

  /// The condition codes that the translator itself branches on.
  package static let ifZero: UInt8 = 4
  package static let ifNotZero: UInt8 = 5

  /// `jmp` with an 8-bit distance, to be settled by `settleShort`, whose argument is returned.
  package mutating func jumpShort() -> Int {
    byte(0xEB)
    byte(0)
    return offset - 1
  }

  /// `jrcxz`, to be settled by `settleShort`, whose argument is returned.
  package mutating func jumpShortIfRCXIsZero() -> Int {
    byte(0xE3)
    byte(0)
    return offset - 1
  }

  /// Makes the 8-bit distance at `field` lead to `target`, by default the next byte written.
  package mutating func settleShort(_ field: Int, to target: Int? = nil) {
    let distance = (target ?? offset) - (field + 1)
    precondition((-128...127).contains(distance), "a short jump can't reach that far")
    memory[field] = UInt8(bitPattern: Int8(distance))
  }

  /// `jmp [rcx * 8 + absolute]`
  package mutating func jumpIndexedByRCX(absolute: UInt32) {
    opcode(0xCD_24FF, 3)
    dword(absolute)
  }

  /// `jmp [rip + 0]`, followed by the address it goes to. Returns the offset of the address.
  @discardableResult
  package mutating func jumpFar(to address: UInt64) -> Int {
    opcode(0x25FF, 2)
    dword(0)
    qword(address)
    return offset - 8
  }

  /// `int3`
  package mutating func trap() { byte(0xCC) }

  /// `syscall`
  package mutating func systemCall() { opcode(0x050F, 2) }

  /// A five-byte `nop`, which a jump can take the place of.
  package mutating func nop5() {
    dword(0x0044_1F0F)
    byte(0)
  }

  /// Fills with single traps up to an offset that `alignment`, a power of two, divides.
  package mutating func align(to alignment: Int) {
    while offset & (alignment - 1) != 0 { byte(0xCC) }
  }
}
