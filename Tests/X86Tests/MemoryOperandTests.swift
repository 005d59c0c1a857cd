import KernelABI
import Testing
import X86

/// Addresses of memory operands, by the bytes of an instruction.
@Suite struct MemoryOperandTests {
  private func address(_ bytes: [UInt8]) -> UInt64? {
    let decoder = InstructionDecoder()
    let padded = bytes + [UInt8](repeating: 0, count: 16)
    var registers = Registers()
    registers.rip = 0x40_0000
    registers.rax = 0x1000
    registers.rbx = 0xFFFF_FFFF_0000_0020
    registers.r12 = 0x30
    registers.fsBase = 0x7000_0000_0000
    registers.gsBase = 0x10
    return decoder.memoryOperand(padded, count: 15)?.address(registers, length: UInt8(bytes.count))
  }

  @Test func everyForm() {
    #expect(address([0x8B, 0x00]) == 0x1000)  // mov eax, [rax]
    #expect(address([0x8B, 0x40, 0xF0]) == 0xFF0)  // [rax - 16]
    #expect(address([0x42, 0x8B, 0x44, 0xE0, 0x08]) == 0x1188)  // [rax + r12 * 8 + 8]
    #expect(address([0x8B, 0x05, 0x10, 0, 0, 0]) == 0x40_0016)  // [rip + 16]
    #expect(address([0x8B, 0x04, 0x25, 0x34, 0x12, 0, 0]) == 0x1234)  // [0x1234]
    #expect(address([0x64, 0x8B, 0x04, 0x25, 0xF8, 0xFF, 0xFF, 0xFF]) == 0x6FFF_FFFF_FFF8)  // fs:[-8]
    #expect(address([0x65, 0x8B, 0x00]) == 0x1010)  // gs:[rax]
    #expect(address([0x67, 0x8B, 0x03]) == 0x20)  // [ebx]
    #expect(address([0x67, 0x64, 0x8B, 0x03]) == 0x7000_0000_0020)  // fs:[ebx]
    #expect(address([0x2E, 0x8B, 0x00]) == 0x1000)  // cs: has no effect
    #expect(address([0x01, 0xC8]) == nil)  // add eax, ecx
  }

  @Test func stateSaves() {
    let decoder = InstructionDecoder()
    let expected: [([UInt8], StateSave.Form, Bool, Bool)] = [
      ([0x0F, 0xAE, 0x20], .xsave, false, false), ([0x48, 0x0F, 0xAE, 0x30], .xsave, true, false),
      ([0x48, 0x0F, 0xC7, 0x20], .xsavec, true, false), ([0x0F, 0xAE, 0x00], .fxsave, false, false),
      ([0xD9, 0x30], .fnstenv, false, false), ([0x66, 0xDD, 0x30], .fnsave, false, true),
    ]
    for (bytes, form, isWide, isNarrow) in expected {
      let save = decoder.stateSave(bytes + [UInt8](repeating: 0, count: 12), count: 15)
      #expect(save?.form == form && save?.isWide == isWide && save?.isNarrow == isNarrow)
      #expect(save?.length == UInt8(bytes.count))
    }
    #expect(decoder.stateSave([0x0F, 0xAE, 0x28] + [UInt8](repeating: 0, count: 12), count: 15) == nil)  // xrstor
  }
}
