import Execution
import KernelABI
import Testing
import X86

@Suite struct EmulatedInstructionTests {
  @Test func extendedControlRegisters() {
    for register in [UInt64(0), 1, 0x5_0000_0001] {
      var registers = Registers()
      registers.rip = 100
      registers.rcx = register
      registers.rax = .max
      registers.rdx = .max
      #expect(EmulatedInstructions.readExtendedControl(&registers, length: 3, xcr0: 0x2_0000_00E7))
      #expect(registers.rax == 0xE7 && registers.rdx == 2 && registers.rip == 103)
    }
    var registers = Registers()
    registers.rcx = 2
    let before = registers
    #expect(!EmulatedInstructions.readExtendedControl(&registers, length: 3, xcr0: 7))
    #expect(registers == before)
  }

  @Test func transactionsAbort() throws {
    let bytes: [UInt8] = [0xC7, 0xF8, 0x10, 0x00, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]  // xbegin +16
    let decoder = InstructionDecoder()
    let decoded = decoder.decode(bytes, count: 15)
    let instruction = try #require(decoded)
    var registers = Registers()
    registers.rip = 0x1000
    registers.rax = .max
    EmulatedInstructions.abortTransaction(&registers, instruction)
    #expect(registers.rip == 0x1016 && registers.rax == 0)
  }
}
