import Testing
import X86

/// The instruction forms that are written, read by objdump.
@Suite(.enabled(if: Disassembler.isAvailable)) struct CodeWriterTests {
  static let base: UInt64 = 0x6000_0000

  /// Writes with `body` and gives the disassembled text.
  static func disassembled(_ body: (inout CodeWriter) -> Void) throws -> [String] {
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = buffer.withUnsafeMutableBufferPointer { pointer in
      var writer = CodeWriter(memory: pointer.baseAddress!, base: base, offset: 0)
      body(&writer)
      return writer.offset
    }
    return try Disassembler.disassemble(Array(buffer[..<count]), at: base).map(\.text)
  }

  @Test func movesAreWhatTheirNamesSay() throws {
    for register in GeneralRegister.allCases {
      let text = try Self.disassembled {
        $0.store(register, absolute: 0x7000_0FF8)
        $0.load(register, absolute: 0x7000_0008)
        $0.move(register, immediate: 0x1234_5678_9ABC_DEF0)
      }
      #expect(
        text == [
          "mov QWORD PTR ds:0x70000ff8,\(register)", "mov \(register),QWORD PTR ds:0x70000008",
          "movabs \(register),0x123456789abcdef0",
        ])
    }
    let text = try Self.disassembled {
      $0.loadECX(absolute: 0x7000_000A)
      $0.loadWordIntoECX(absolute: 0x7000_000E)
      $0.loadRCXIndexedByRCX(absolute: 0x7000_0FF8)
      $0.zeroExtendCXIntoECX()
      $0.move(.rdx, immediate: 0xFFFF_FFFF)
      $0.move(.r9, immediate: 5)
      $0.addToRCX(-1)
      $0.addToRCX(0x12345)
      $0.addToECX(-0x7FFF)
      $0.addToRSP(0x18)
      $0.store(immediate: 0xFEED_F00D, absolute: 0x7000_0010)
    }
    #expect(
      text == [
        "mov ecx,DWORD PTR ds:0x7000000a", "movzx ecx,WORD PTR ds:0x7000000e", "mov rcx,QWORD PTR [rcx*8+0x70000ff8]",
        "movzx ecx,cx", "mov edx,0xffffffff", "mov r9d,0x5", "lea rcx,[rcx-0x1]", "lea rcx,[rcx+0x12345]",
        "lea ecx,[rcx-0x7fff]", "lea rsp,[rsp+0x18]", "mov DWORD PTR ds:0x70000010,0xfeedf00d",
      ])
  }

  @Test func transfersAreWhatTheirNamesSay() throws {
    let text = try Self.disassembled { writer in
      writer.push(immediate: 0x40_1000)
      writer.push(quadwordAt: Self.base + 0x100)
      writer.popRCX()
      writer.subtractOne(absolute: 0x7000_0000)
      writer.jump(ifCondition: CodeWriter.ifZero, to: Self.base + 0x80)
      writer.jump(to: Self.base)
      writer.jumpIndexedByRCX(absolute: 0x7010_0000)
      let over = writer.jumpShort()
      let zero = writer.jumpShortIfRCXIsZero()
      writer.systemCall()
      writer.settleShort(over)
      writer.settleShort(zero, to: 0)
      writer.nop5()
      writer.trap()
    }
    #expect(
      text == [
        "push 0x401000", "push QWORD PTR [rip+0xf5] # 0x60000100", "pop rcx", "sub QWORD PTR ds:0x70000000,0x1",
        "je 0x60000080", "jmp 0x60000000", "jmp QWORD PTR [rcx*8+0x70100000]", "jmp 0x6000002d", "jrcxz 0x60000000",
        "syscall", "nop DWORD PTR [rax+rax*1+0x0]", "int3",
      ])
  }

  @Test func farJumpsCarryTheirTarget() throws {
    let text = try Self.disassembled { $0.jumpFar(to: 0x7FFF_1234_5678) }
    #expect(text.first == "jmp QWORD PTR [rip+0x0] # 0x60000006")
  }

  /// RIP-relative instructions in every encoding, moved and with a register in place of RIP.
  @Test(arguments: [
    ([0x8B, 0x05, 0, 0, 0, 0], "mov eax,DWORD PTR"),
    ([0x4C, 0x8B, 0x3D, 0, 0, 0, 0], "mov r15,QWORD PTR"),
    ([0x4D, 0x8B, 0x3D, 0, 0, 0, 0], "mov r15,QWORD PTR"),
    ([0x64, 0x48, 0x89, 0x1D, 0, 0, 0, 0], "mov QWORD PTR"),
    ([0x80, 0x3D, 0, 0, 0, 0, 0x12], "cmp BYTE PTR"),
    ([0x66, 0x0F, 0x6F, 0x05, 0, 0, 0, 0], "movdqa xmm0,XMMWORD PTR"),
    ([0xC5, 0xFD, 0x6F, 0x05, 0, 0, 0, 0], "vmovdqa ymm0,YMMWORD PTR"),
    ([0xC4, 0xE2, 0x7D, 0x58, 0x05, 0, 0, 0, 0], "vpbroadcastd ymm0,DWORD PTR"),
    ([0xC4, 0xC2, 0x7D, 0x58, 0x05, 0, 0, 0, 0], "vpbroadcastd ymm0,DWORD PTR"),
    ([0xC4, 0xE3, 0x7D, 0x0F, 0x05, 0, 0, 0, 0, 7], "vpalignr ymm0,ymm0,YMMWORD PTR"),
    ([0x62, 0xF1, 0x7D, 0x48, 0x6F, 0x05, 0, 0, 0, 0], "vmovdqa32 zmm0,ZMMWORD PTR"),
    ([0x62, 0xD1, 0x7D, 0x48, 0x6F, 0x05, 0, 0, 0, 0], "vmovdqa32 zmm0,ZMMWORD PTR"),
  ] as [([UInt8], String)])
  func ripRelativeOperandsMove(original: [UInt8], prefix: String) throws {
    let decoder = InstructionDecoder()
    let bytes = original + [UInt8](repeating: 0, count: 16)
    let decoded = decoder.decode(bytes, count: 15)
    let instruction = try #require(decoded)
    #expect(instruction.isRIPRelative)
    let moved = try Self.disassembled {
      let isInReach = $0.copyRIPRelative(bytes, instruction, operandAddress: Self.base + 0x1_0000)
      #expect(isInReach)
    }
    #expect(moved.count == 1 && moved[0].hasSuffix("# 0x60010000") && moved[0].contains(prefix), "\(moved)")
    for register in [GeneralRegister.rax, .rcx, .rdi] {
      let based = try Self.disassembled { $0.copyRIPRelative(bytes, instruction, base: register) }
      #expect(based.count == 1 && based[0].contains("[\(register)]"), "\(based)")
    }
    _ = try Self.disassembled {
      let isInReach = $0.copyRIPRelative(bytes, instruction, operandAddress: Self.base + 0x1_0000_0000)
      #expect(!isInReach)
    }
  }

  @Test(arguments: [
    ([0xFF, 0xE0], "mov rcx,rax"), ([0x41, 0xFF, 0xD3], "mov rcx,r11"), ([0xFF, 0x14, 0x24], "mov rcx,QWORD PTR [rsp]"),
    ([0x43, 0xFF, 0x64, 0xD5, 0x10], "mov rcx,QWORD PTR [r13+r10*8+0x10]"),
    ([0x64, 0xFF, 0x53, 0x08], "mov rcx,QWORD PTR fs:[rbx+0x8]"), ([0x3E, 0xFF, 0xE1], "mov rcx,rcx"),
    ([0x67, 0xFF, 0x20], "mov rcx,QWORD PTR [eax]"), ([0xFF, 0x24, 0xC5, 0, 0, 0, 0x40], "mov rcx,QWORD PTR [rax*8+0x40000000]"),
  ] as [([UInt8], String)])
  func indirectOperandsAreLoaded(original: [UInt8], expected: String) throws {
    let decoder = InstructionDecoder()
    let bytes = original + [UInt8](repeating: 0, count: 16)
    let decoded = decoder.decode(bytes, count: 15)
    let instruction = try #require(decoded)
    #expect(instruction.kind == .indirectJump || instruction.kind == .indirectCall)
    #expect(try Self.disassembled { $0.loadRCXFromOperand(bytes, instruction) } == [expected])
  }
}
