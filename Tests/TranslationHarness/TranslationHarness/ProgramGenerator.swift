import X86

/// A small generator of random numbers, the same on every machine for one seed.
struct Randomness {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }

  mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % limit }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next() >> 40) }
  mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}

/// Makes random programs: functions that call each other, loop, branch and jump in all ways, filled with random
/// instructions of every encoding.
///
/// r15 is the fuel of all loops, so that programs end. rbx, rsi, rdi, rbp and r14 point into the data, most of the time.
struct ProgramGenerator {
  var random: Randomness
  private(set) var code: [UInt8] = []
  private let decoder: UnsafeMutablePointer<InstructionDecoder>
  private var labels: [Int?] = []
  private var references: [(field: Int, label: Int)] = []
  /// Cells of the data that hold the address of a label, filled when the program is complete.
  private(set) var pointers: [(cell: UInt64, label: Int)] = []
  private let functionCount: Int
  private let bodyCount: Int
  private var functionLabels: [Int] = []

  /// Pointers to code are where random instructions seldom write.
  private static let pointerArea = Machine.dataAddress + 0x2000
  private static let pointerAreaCount = 0x200
  static let basePointers: [GeneralRegister] = [.rbx, .rsi, .rdi, .rbp, .r14]

  init(seed: UInt64, _ decoder: UnsafeMutablePointer<InstructionDecoder>) {
    random = Randomness(seed: seed)
    self.decoder = decoder
    functionCount = 1 + random.below(4)
    bodyCount = random.pick([3, 8, 20, 40])
  }

  var origin: UInt64 { Machine.codeAddress + Machine.originOffset }

  /// Makes a program; its start is the first function's label.
  mutating func makeProgram() -> (code: [UInt8], entry: UInt64) {
    functionLabels = (0..<functionCount).map { _ in newLabel() }
    var order = Array(0..<functionCount)
    for index in order.indices.reversed() { order.swapAt(index, random.below(index + 1)) }
    // Programs of a few hundred bytes begin anywhere on a page, so that some cross its end.
    let padding = random.chance(30) ? 0xFF0 - random.below(200) : random.below(64)
    code = [UInt8](repeating: 0x90, count: padding)
    let isSpread = random.chance(15)
    for function in order {
      if isSpread && function != order[0] && random.chance(70) { skipToColliding(padding) }
      emitFunction(function)
    }
    settleReferences()
    return (code, origin + UInt64(position(functionLabels[0])))
  }

  /// Leaves a gap so that the next function's address has the low 16 bits of the first one's, as their landings share
  /// a place in the table then.
  private mutating func skipToColliding(_ first: Int) {
    let next = first + ((code.count - first) / 0x1_0000 + 1) * 0x1_0000
    guard next + 0x4000 < Machine.codeByteCount else { return }
    code += [UInt8](repeating: 0x90, count: next - code.count)
  }

  func address(ofLabel label: Int) -> UInt64 { origin + UInt64(position(label)) }

  private func position(_ label: Int) -> Int { labels[label] ?? 0 }

  // MARK: - Labels

  private mutating func newLabel() -> Int {
    labels.append(nil)
    return labels.count - 1
  }

  private mutating func place(_ label: Int) { labels[label] = code.count }

  private mutating func reference(_ label: Int) {
    references.append((code.count, label))
    code += [0, 0, 0, 0]
  }

  private mutating func settleReferences() {
    for (field, label) in references {
      let distance = UInt32(bitPattern: Int32(position(label) - field - 4))
      for index in 0..<4 { code[field + index] = UInt8(truncatingIfNeeded: distance >> (8 * UInt32(index))) }
    }
  }

  private mutating func dword(_ value: UInt32) {
    for index in 0..<4 { code.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))) }
  }

  // MARK: - Structure

  private mutating func emitFunction(_ function: Int) {
    place(functionLabels[function])
    for _ in 0..<bodyCount { emitItem(function) }
    if function == 0 { code.append(0xCC) } else { emitReturn() }
  }

  private mutating func emitReturn() {
    switch random.below(10) {
    case 0: code += [0xF3, 0xC3]
    case 1: code += [0xF2, 0xC3]
    default: code.append(0xC3)
    }
  }

  private mutating func emitItem(_ function: Int) {
    switch random.below(100) {
    case 0..<72: emitRandomInstruction()
    case 72..<79: emitForwardBranch(function)
    case 79..<86: emitLoop(function)
    case 86..<91: emitCall(function)
    case 91..<94: emitJumpOver(function)
    case 94..<96: emitCounterBranch(function)
    case 96..<98: emitRepeated()
    default: emitFlagReader()
    }
  }

  private mutating func emitForwardBranch(_ function: Int) {
    let over = newLabel()
    code += [0x0F, 0x80 | UInt8(random.below(16))]
    reference(over)
    for _ in 0..<1 + random.below(3) { emitRandomInstruction() }
    place(over)
  }

  /// Uses the flags, so that their loss shows.
  private mutating func emitFlagReader() {
    switch random.below(4) {
    case 0: code += [0x0F, 0x90 | UInt8(random.below(16)), 0xC0 | UInt8(random.below(4))]
    case 1: code += [0x9F]
    case 2: code += [0x48, 0x0F, 0x40 | UInt8(random.below(16)), 0xC1]
    default: code += [0x48, 0x11, 0xC8]
    }
  }

  /// A backward branch that is taken as long as there is fuel and its condition holds.
  private mutating func emitLoop(_ function: Int) {
    let head = newLabel(), out = newLabel()
    place(head)
    for _ in 0..<1 + random.below(3) { emitRandomInstruction() }
    if random.chance(20) && function + 1 < functionCount { emitCall(function) }
    if random.chance(50) {
      // With the flags of the body: the fuel is counted without touching them.
      code += [0x49, 0x87, 0xCF]  // xchg rcx, r15
      code += [0x48, 0x8D, 0x49, 0xFF]  // lea rcx, [rcx - 1]
      code += [0xE3, 0x0B]  // jrcxz to the end of the fuel
      code += [0x49, 0x87, 0xCF]  // xchg rcx, r15
      code += [0x0F, 0x80 | UInt8(random.below(16))]
      reference(head)
      code += [0xEB, 0x07]  // jmp out
      code += [0x49, 0x87, 0xCF]  // xchg rcx, r15
      code += [0x4D, 0x8D, 0x7F, 0x01]  // lea r15, [r15 + 1]
      place(out)
      return
    }
    code += [0x49, 0x83, 0xEF, 0x01]  // sub r15, 1
    code += [0x0F, 0x8E]  // jle out
    reference(out)
    if random.chance(70) {
      code += [0x0F, 0x80 | UInt8(random.below(16))]
    } else {
      code += [0xE9]
    }
    reference(head)
    place(out)
  }

  private mutating func emitCall(_ function: Int) {
    guard function + 1 < functionCount else { return emitRandomInstruction() }
    let callee = functionLabels[function + 1 + random.below(functionCount - function - 1)]
    switch random.below(5) {
    case 0:
      code += [0x48, 0x8D, 0x05]  // lea rax, [rip + callee]; call rax
      reference(callee)
      code += [0xFF, 0xD0]
    case 1:
      code += [0xFF, 0x15]  // call [rip + cell]
      dataReference(newPointer(callee))
    case 2:
      code += [0x48, 0x8D, 0x0D]  // lea rcx, [rip + callee]; push rcx; call [rsp]; pop rcx
      reference(callee)
      code += [0x51, 0xFF, 0x14, 0x24, 0x59]
    case 3:
      code += [0x4C, 0x8D, 0x1D]  // lea r11, [rip + callee]; call r11
      reference(callee)
      code += [0x41, 0xFF, 0xD3]
    default:
      code += random.chance(20) ? [0x66, 0x48, 0xE8] : [0xE8]
      reference(callee)
    }
  }

  /// Jumps over a few instructions, in one of the ways that aren't a conditional branch.
  private mutating func emitJumpOver(_ function: Int) {
    let over = newLabel()
    switch random.below(4) {
    case 0:
      code += [0xE9]
      reference(over)
    case 1:
      code += [0xFF, 0x25]  // jmp [rip + cell]
      dataReference(newPointer(over))
    case 2:
      code += [0x48, 0x8D, 0x05]  // lea rax, [rip + over]; push rax; ret
      reference(over)
      code += [0x50, 0xC3]
    default:
      code += [0x48, 0x8D, 0x15]  // lea rdx, [rip + over]; jmp rdx
      reference(over)
      code += [0xFF, 0xE2]
    }
    for _ in 0..<random.below(3) { emitRandomInstruction() }
    place(over)
  }

  /// `jrcxz`, `jecxz` or `loop` over or back.
  private mutating func emitCounterBranch(_ function: Int) {
    if random.chance(50) {
      code += random.pick([[0xE3], [0x67, 0xE3], [0xE2], [0xE1], [0xE0]])
      let field = code.count
      code += [0]
      emitRandomInstruction()
      code[field] = UInt8(code.count - field - 1)
    } else {
      code += [0xB9]  // mov ecx, count
      dword(UInt32(1 + random.below(5)))
      let head = code.count
      emitFlagReader()
      code += [random.pick([0xE2, 0xE1, 0xE0])]
      code += [UInt8(bitPattern: Int8(head - code.count - 1))]
    }
  }

  /// A repeated string instruction over a few elements.
  private mutating func emitRepeated() {
    code += [0xB9]
    dword(UInt32(random.below(6)))
    code += [random.pick([0xF2, 0xF3])]
    code += [random.pick([0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAE, 0xAF])]
  }

  private mutating func newPointer(_ label: Int) -> UInt64 {
    let cell = Self.pointerArea + UInt64(random.below(Self.pointerAreaCount / 8)) * 8
    if let known = pointers.first(where: { $0.cell == cell }), known.label != label { return newPointer(label) }
    pointers.append((cell, label))
    return cell
  }

  private mutating func dataReference(_ address: UInt64) {
    dword(UInt32(truncatingIfNeeded: address &- (origin + UInt64(code.count) + 4)))
  }

  // MARK: - Instructions

  private mutating func emitRandomInstruction() {
    for _ in 0..<200 {
      let bytes = randomInstruction()
      let padded = bytes + [UInt8](repeating: 0, count: 16)
      guard let instruction = decoder.pointee.decodeThoroughly(padded, count: 15),
        Int(instruction.length) == bytes.count, instruction.kind == .sequential,
        let used = decoder.pointee.registersUsed(padded, count: 15)
      else { continue }
      guard isAllowed(bytes, instruction, used) else { continue }
      code += bytes
      return
    }
    code.append(0x90)
  }

  /// Random bytes in the shape of an instruction; few aren't one.
  private mutating func randomInstruction() -> [UInt8] {
    var bytes: [UInt8] = []
    if random.chance(15) { bytes.append(0x66) }
    if random.chance(10) { bytes.append(random.pick([0xF2, 0xF3, 0x67, 0xF0])) }
    switch random.below(10) {
    case 0..<4:
      if random.chance(60) { bytes.append(0x40 | UInt8(random.below(16))) }
      bytes.append(random.byte())
    case 4..<7:
      if random.chance(50) { bytes.append(0x40 | UInt8(random.below(16))) }
      bytes += [0x0F, random.byte()]
    case 7:
      if random.chance(50) { bytes.append(0x40 | UInt8(random.below(16))) }
      bytes += [0x0F, random.pick([0x38, 0x3A]), random.byte()]
    default:
      bytes = []
      if random.chance(40) {
        bytes += [0xC5, random.byte(), random.byte()]
      } else {
        bytes += [0xC4, random.byte() & 0xE0 | UInt8(1 + random.below(3)), random.byte(), random.byte()]
      }
    }
    appendOperand(&bytes)
    for _ in 0..<random.pick([0, 0, 1, 1, 4, 2]) { bytes.append(random.byte()) }
    return bytes
  }

  private mutating func appendOperand(_ bytes: inout [UInt8]) {
    let register = UInt8(random.below(8)) << 3
    switch random.below(10) {
    case 0..<5: bytes.append(0xC0 | register | UInt8(random.below(8)))
    case 5..<8:
      // [rbx, rsi, rdi or rbp + short displacement]; with REX.B it is another register, and most often a fault.
      bytes += [0x40 | register | random.pick([3, 5, 6, 7]), random.byte() & 0x7F]
    case 8:
      bytes.append(0x05 | register)
      let after = origin + UInt64(code.count + bytes.count + 4)
      let target = Machine.dataAddress + 0x800 + UInt64(random.below(0x800))
      let distance = UInt32(truncatingIfNeeded: target &- after)
      for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: distance >> (8 * UInt32(index)))) }
    default: break
    }
  }

  /// Keeps out what would end nearly every program at once, and what this process wouldn't survive.
  private mutating func isAllowed(_ bytes: [UInt8], _ instruction: Instruction, _ used: RegisterSet) -> Bool {
    if used.contains(.r15) { return false }
    if used.contains(.rsp) && !random.chance(10) && !isPushOrPop(bytes) { return false }
    var pointersUsed = 0
    for register in Self.basePointers where used.contains(register) { pointersUsed += 1 }
    let hasMemory = instruction.modRMOffset != 0 && bytes[Int(instruction.modRMOffset)] < 0xC0
    if pointersUsed > (hasMemory && !instruction.isRIPRelative ? 1 : 0) && !random.chance(3) { return false }
    if hasMemory && pointersUsed == 0 && !instruction.isRIPRelative && !random.chance(2) { return false }
    guard instruction.encoding == .legacy else { return true }
    let opcodeAt = bytes.firstIndex { !isPrefix($0) } ?? 0
    let opcode = bytes[opcodeAt]
    // With a segment's base an operand lies in this process's own thread-local memory, which no run restores.
    if hasMemory && bytes[..<opcodeAt].contains(where: { $0 == 0x64 || $0 == 0x65 }) { return false }
    if opcode != 0x0F { return isAllowedOneByte(opcode) }
    return isAllowedTwoByte(bytes[opcodeAt + 1], instruction, bytes)
  }

  private func isPrefix(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x40...0x4F: true
    default: false
    }
  }

  private mutating func isPushOrPop(_ bytes: [UInt8]) -> Bool {
    bytes.contains { (0x50...0x5F).contains($0) } && bytes.count < 3
  }

  private mutating func isAllowedOneByte(_ opcode: UInt8) -> Bool {
    switch opcode {
    // Segment registers, flags with the trap flag among them, 64-bit absolute addresses.
    case 0x8E, 0x9C, 0x9D, 0xA0...0xA3: false
    // Ports, interrupts, halting: always a fault.
    case 0x6C...0x6F, 0xE4...0xE7, 0xEC...0xEF, 0xF4, 0xFA, 0xFB: random.chance(2)
    case 0xC8, 0xC9, 0xF6, 0xF7: random.chance(30)
    default: true
    }
  }

  private mutating func isAllowedTwoByte(_ opcode: UInt8, _ instruction: Instruction, _ bytes: [UInt8]) -> Bool {
    switch opcode {
    // System instructions, segment registers, the protection key register.
    case 0x00, 0x01, 0xA1, 0xA9, 0xB2, 0xB4, 0xB5, 0xAE, 0xC7, 0x20...0x23: return false
    case 0x06, 0x08, 0x09, 0x30...0x37: return random.chance(2)
    default: return true
    }
  }
}
