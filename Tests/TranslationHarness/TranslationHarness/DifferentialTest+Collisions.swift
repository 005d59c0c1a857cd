import CTranslationHarness
import KernelABI
import Translation
import X86

/// Indirect transfers to functions whose landings share one place in the table, while pages are dropped at random.
extension DifferentialTest {
  private static let functionOffset: UInt64 = 0x2000
  private static let functionCount: UInt64 = 4

  /// The lines say what differs.
  mutating func runCollisions(seed: UInt64) -> [String] {
    var random = Randomness(seed: seed)
    let callCount: UInt64 = 200
    let initial = prepareCollisions(callCount)
    var expected: UInt64 = 1
    for call in 0..<callCount { expected = expected &* 2 &+ ((callCount - call) % Self.functionCount) }
    var state = initial
    var ticks: Int64 = 0
    while true {
      let outcome = machine.runTranslated(state, budget: 1 + Int64(random.below(5)))
      ticks += outcome.ticks
      state = outcome.state
      if outcome.stop == .instruction(.breakpoint) { break }
      guard outcome.stop == .ticksExhausted else { return ["collisions, seed \(seed): stopped for \(outcome.stop)"] }
      if random.chance(30) {
        let page = Machine.codeAddress + 0x1_0000 * UInt64(random.below(4)) + 0x1000 * UInt64(1 + random.below(2))
        machine.translator.invalidate(page..<(page + 1))
      }
    }
    let result = Registers(state).rbx
    // Each call, return and backward jump is a tick; the last time the loop isn't repeated.
    let expectedTicks = options.tickDefinition == .nonForwardTransfers ? Int64(callCount * 3 - 1) : Int64(callCount)
    if result != expected || ticks != expectedTicks {
      return ["collisions, seed \(seed): \(hex(result)) and \(hex(expected)), \(ticks) ticks and \(expectedTicks)"]
    }
    return []
  }

  /// A loop that calls the functions by turns through a table: rbx = 2 * rbx + number.
  private func prepareCollisions(_ callCount: UInt64) -> machine_state {
    let table = Machine.dataAddress + 0x100
    var code: [UInt8] = [0x44, 0x89, 0xF8, 0x83, 0xE0, 0x03, 0x48, 0xBA]  // mov eax, r15d; and eax, 3; mov rdx, table
    for index in 0..<8 { code.append(UInt8(truncatingIfNeeded: table >> (8 * UInt64(index)))) }
    code += [0x48, 0x8B, 0x04, 0xC2, 0xFF, 0xD0, 0x41, 0x83, 0xEF, 0x01]  // mov rax, [rdx + rax * 8]; call; sub r15d, 1
    code += [0x75, UInt8(bitPattern: Int8(-code.count - 2)), 0xCC]  // jnz; int3
    let memory = Machine.bytes(Machine.writableCodeAddress, Machine.codeByteCount)
    let origin = Int(Machine.originOffset)
    UnsafeMutableRawBufferPointer(rebasing: memory[origin...]).copyBytes(from: code)
    for function in 0..<Self.functionCount {
      let offset = Int(Self.functionOffset + function * 0x1_0000)
      let body: [UInt8] = [0x48, 0x8D, 0x5C, 0x1B, UInt8(function), 0xC3]  // lea rbx, [rbx + rbx + number]; ret
      UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyBytes(from: body)
      Machine.bytes(table, 64).storeBytes(
        of: Machine.codeAddress + UInt64(offset), toByteOffset: Int(function) * 8, as: UInt64.self)
    }
    machine.translator.invalidate(Machine.code)
    var state = machine_state()
    harness_initial_state(&state)
    var registers = Registers(state)
    registers.rip = Machine.codeAddress + Machine.originOffset
    registers.rsp = Machine.dataAddress + UInt64(Machine.dataByteCount) - 0x400
    registers.rbx = 1
    registers.r15 = callCount
    registers.write(to: &state)
    return state
  }
}
