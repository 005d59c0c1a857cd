import Execution
import KernelABI
import TestSupport
import Testing
import TraceeControl
import X86

/// What saves processor state, executed by hand on a tracee, and by the processor.
@Suite(.serialized, .enabled(if: TestEnvironment.has("gcc"), "no gcc"), .timeLimit(.minutes(10)))
struct StateSaverTests {
  static let layout = ExtendedStateLayout { subleaf in
    let answer = Processor.cpuid(0xD, subleaf)
    return (answer.eax, answer.ebx, answer.ecx)
  }
  static let saver = StateSaver(machine: layout, program: layout, xcr0: Processor.xcr0)
  static let hasXSAVE = Processor.cpuid(1, 0).ecx & 1 << 27 != 0 && Processor.xcr0 & 7 == 7
  static let hasXSAVEC = hasXSAVE && Processor.cpuid(0xD, 1).eax & 2 != 0

  /// All components, those that the dynamic linker saves, and others.
  static let masks: [UInt64] = [0xFFFF_FFFF_FFFF_FFFF, 0xEE, 0, 1, 2, 3, 4, 5, 6]

  /// What `fill` leaves in every register is different, and nothing is in its initial configuration.
  static let fill = """
    movl $0x11223344, %eax
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    addl $0x01010101, %eax
    vmovd %eax, %xmm\\n
    vinsertf128 $1, %xmm0, %ymm\\n, %ymm\\n
    .endr
    fldpi
    fldz
    fldl2e
    fld1
    fchs
    fdiv %st(2), %st(0)
    """

  /// Ways to one and the same state, in which the processor holds different components to be in use.
  static let histories: [String] = [
    "vzeroall; fninit",
    "vpcmpeqd %xmm0, %xmm0, %xmm0; vinsertf128 $1, %xmm0, %ymm0, %ymm7; vxorps %ymm7, %ymm7, %ymm7; "
      + "vxorps %ymm0, %ymm0, %ymm0; fninit",
    // The initial configuration, named as such, and loaded like any other.
    restore(present: 0), restore(present: 7), restore(present: 2), restore(present: 4),
  ]

  static func restore(present: Int) -> String {
    """
    movl $0x1F80, 24(%rdi)
    xorl %eax, %eax
    leaq 512(%rdi), %rsi
    .rept 8
    movq $0, (%rsi)
    leaq 8(%rsi), %rsi
    .endr
    movq $\(present), 512(%rdi)
    pushq %rdi
    movl $20, %ecx
    rep stosq
    popq %rdi
    pushq %rdi
    leaq 160(%rdi), %rdi
    movl $44, %ecx
    rep stosq
    leaq 64(%rdi), %rdi
    movl $32, %ecx
    rep stosq
    popq %rdi
    movw $0x37F, (%rdi)
    movl $0x1F80, 24(%rdi)
    movq $\(present), 512(%rdi)
    movl $7, %eax
    xorl %edx, %edx
    xrstor (%rdi)
    """
  }

  private func decode(_ program: StoppedProgram) throws -> StateSave {
    let at = try program.tracee.registers().instructionPointer
    let bytes = try #require(program.tracee.readBytes(at, count: 15))
    let decoder = InstructionDecoder()
    let kind = decoder.decode(bytes, count: 15)?.kind
    #expect(kind == .stateSave)
    let save = decoder.stateSave(bytes, count: 15)
    return try #require(save)
  }

  private func setMask(_ program: StoppedProgram, _ mask: UInt64) throws {
    var registers = try program.tracee.registers()
    registers.rax = mask & 0xFFFF_FFFF
    registers.rdx = mask >> 32
    program.tracee.setRegisters(registers)
  }

  @Test(.enabled(if: hasXSAVEC, "no xsavec"), arguments: ["xsave", "xsave64", "xsavec", "xsavec64", "xsaveopt"])
  func imagesDoNotTellTheHistory(instruction: String) throws {
    for mask in Self.masks {
      var images: [[UInt8]] = []
      for history in Self.histories {
        let program = try StoppedProgram("\(history)\nint3\n\(instruction) (%rdi)\nint3")
        program.resetBuffer()
        try setMask(program, mask)
        #expect(try Self.saver.execute(decode(program), program.tracee) == .executed)
        images.append(try program.contents())
      }
      for image in images { #expect(image == images[0], "mask \(mask)") }
      #expect(mask & Processor.xcr0 == 0 || images[0].contains { $0 != 0xAA })
    }
  }

  @Test(
    .enabled(if: hasXSAVEC, "no xsavec"),
    arguments: [
      "xsave (%rdi)", "xsave64 (%rdi)", "xsavec 128(%rdi)", "xsavec64 (%rdi)", "xsaveopt 64(%rdi)", "fxsave 16(%rdi)",
      "fxsave64 (%rdi)", "fxsave (%rdi, %rbx, 8)", "xsavec %fs:(%rdi)", "addr32 xsavec (%edi)",
    ])
  func imagesOfAllThatIsInUseAreTheProcessors(instruction: String) throws {
    let program = try StoppedProgram("\(Self.fill)\nmovl $6, %ebx\nint3\n\(instruction)\nint3")
    let start = try program.tracee.registers()
    for mask in Self.masks {
      program.resetBuffer()
      program.tracee.setRegisters(start)
      try setMask(program, mask)
      #expect(try Self.saver.execute(decode(program), program.tracee) == .executed)
      let emulated = try program.contents()
      let behind = try program.tracee.registers()
      program.resetBuffer()
      program.tracee.setRegisters(start)
      try setMask(program, mask)
      try program.step()
      var native = try program.contents()
      // Components that this program doesn't use stay in their initial configuration for the processor.
      hideUnused(&native, emulated, instruction)
      #expect(emulated == native, "mask \(mask): \(difference(emulated, native))")
      #expect(try program.tracee.registers().rip == behind.rip)
    }
  }

  /// Takes over XSTATE_BV where the processor's lacks bits of components beyond AVX.
  private func hideUnused(_ native: inout [UInt8], _ emulated: [UInt8], _ instruction: String) {
    let start = instruction.contains("128(") ? 128 : instruction.contains("64(") ? 64 : 0
    guard instruction.contains("xsave"), !instruction.contains("fxsave") else { return }
    native[start + 512] = native[start + 512] & 7 | emulated[start + 512] & 0xF8
    native[start + 513] = emulated[start + 513]
    native[start + 514] = emulated[start + 514]
  }

  private func difference(_ a: [UInt8], _ b: [UInt8]) -> String {
    zip(a, b).enumerated().filter { $1.0 != $1.1 }.prefix(8).map { "\($0): \($1.0) and \($1.1)" }
      .joined(separator: ", ")
  }

  @Test(arguments: ["fnstenv (%rdi)", "fnsave 3(%rdi)", "data16 fnstenv (%rdi)", "data16 fnsave (%rdi)"])
  func x87EnvironmentsAreTheProcessors(instruction: String) throws {
    let program = try StoppedProgram("\(Self.fill)\nint3\n\(instruction)\nint3")
    let start = try program.tracee.registers()
    let state = try Ptrace.extendedState(program.tracee.tid)
    #expect(try Self.saver.execute(decode(program), program.tracee) == .executed)
    let emulated = try program.contents()
    let emulatedState = ProcessorState(bytes: try Ptrace.extendedState(program.tracee.tid), layout: Self.layout)
    program.resetBuffer()
    program.tracee.setRegisters(start)
    try Ptrace.setExtendedState(program.tracee.tid, state)
    try program.step()
    var native = try program.contents()
    // No exception is pending: the pointers, selectors and the opcode are zero by hand.
    let first = instruction.contains("3(") ? 3 : 0
    let pointers = instruction.contains("data16") ? 6..<14 : 12..<26
    for index in pointers { native[first + index] = 0 }
    #expect(emulated == native, "\(difference(emulated, native))")
    let nativeState = ProcessorState(bytes: try Ptrace.extendedState(program.tracee.tid), layout: Self.layout)
    #expect(emulatedState.controlWord == nativeState.controlWord)
    #expect(emulatedState.statusWord == nativeState.statusWord)
    #expect(emulatedState.tagWord == nativeState.tagWord)
  }

  @Test func aPendingExceptionNamesItsInstruction() throws {
    let program = try StoppedProgram(
      """
      movl $0x37B, (%rdi)
      fldcw (%rdi)
      fld1
      fldz
      cause: fdivrp
      int3
      fnstenv (%rdi)
      fnstsw %ax
      int3
      """)
    let save = try decode(program)
    var asked: UInt64 = 0
    let outcome = try Self.saver.execute(save, program.tracee) { asked = $0; return 0x1234_5678 }
    #expect(outcome == .executed)
    let registers = try program.tracee.registers()
    #expect(asked != 0 && asked < registers.rip && asked > registers.rip - 16)
    #expect(program.tracee.read(program.buffer + 12, as: UInt32.self) == 0x1234_5678)
    // Masked, the exception isn't pending any more.
    try program.runToTrap()
    #expect(try program.tracee.registers().rax & 0x8080 == 0)
  }

  @Test func whatCannotBeWrittenFaults() throws {
    let operands = ["0x10", "8(%rdi)", "_start(%rip)", "4032(%rdi)"]
    for operand in operands {
      let program = try StoppedProgram("int3\nfxsave \(operand)\nint3")
      let start = try program.tracee.registers()
      #expect(try Self.saver.execute(decode(program), program.tracee) == .memoryFault, "\(operand)")
      #expect(try program.tracee.registers() == start)
    }
  }
}
