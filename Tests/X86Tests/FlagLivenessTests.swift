import Testing
import X86

/// Which flags matter to small pieces of code.
@Suite struct FlagLivenessTests {
  struct Code: InstructionSource {
    let bytes: [UInt8]
    let decoder = DecoderBox()

    func instruction(at address: UInt64) -> Instruction? {
      guard address < bytes.count else { return nil }
      let rest = Array(bytes[Int(address)...])
      return decoder.decoder.decode(rest, count: rest.count)
    }
  }

  final class DecoderBox {
    let decoder = InstructionDecoder()
  }

  static func live(_ bytes: [UInt8]) -> StatusFlags {
    var code = Code(bytes: bytes)
    let flags = FlagLiveness.liveFlags(at: 0, &code)
    #expect(FlagLiveness.areFlagsLive(at: 0, &code) == !flags.isEmpty)
    return flags
  }

  @Test func arithmeticOverwritesAll() {
    #expect(Self.live([0x48, 0x01, 0xC8]) == .none)  // add rax, rcx
    #expect(Self.live([0x31, 0xC0]) == .none)  // xor eax, eax, which clears AF too
    #expect(Self.live([0x48, 0x8D, 0x40, 0x01, 0x85, 0xC0]) == .none)  // lea, test
  }

  @Test func whatIsReadIsLive() {
    #expect(Self.live([0x48, 0x11, 0xC8]) == .carry)  // adc
    #expect(Self.live([0x0F, 0x94, 0xC0, 0x31, 0xC0]) == .zero)  // sete, xor
    #expect(Self.live([0x0F, 0x4F, 0xC1, 0x31, 0xC0]) == [.zero, .sign, .overflow])  // cmovg, xor
    #expect(Self.live([0x9F, 0x31, 0xC0]) == StatusFlags.all.subtracting(.overflow))  // lahf, xor
  }

  @Test func incrementsKeepTheCarry() {
    #expect(Self.live([0x48, 0xFF, 0xC0, 0xC3]) == .carry)  // inc rax; ret
  }

  @Test func shiftsByARegisterMayWriteNothing() {
    #expect(Self.live([0xD3, 0xE0, 0xC3]) == .all)  // shl eax, cl; ret
    #expect(Self.live([0xD3, 0xE0, 0x31, 0xC0]) == .none)  // shl eax, cl; xor
    #expect(Self.live([0xC1, 0xE0, 0x00, 0xC3]) == .all)  // shl eax, 0; ret
    #expect(Self.live([0xC1, 0xE0, 0x20, 0xC3]) == .all)  // shl eax, 32, which is 0; ret
    #expect(Self.live([0xC1, 0xE0, 0x03, 0xC3]) == [.adjust, .overflow])  // shl eax, 3; ret
    #expect(Self.live([0xD1, 0xD0, 0x31, 0xC0]) == .carry)  // rcl eax, 1
  }

  @Test func repeatedComparisonsMayWriteNothing() {
    #expect(Self.live([0xF3, 0xA6, 0xC3]) == .all)  // repe cmpsb; ret
    #expect(Self.live([0xF2, 0xAE, 0x31, 0xC0]).isSubset(of: .zero))  // repne scasb; xor
  }

  @Test func unknownWaysAreLive() {
    #expect(Self.live([0xC3]) == .all)
    #expect(Self.live([0x0F, 0x05, 0x31, 0xC0]) == .all)  // syscall
    #expect(Self.live([0xCC, 0x31, 0xC0]) == .all)  // int3
    #expect(Self.live([0x0F, 0x0B, 0x31, 0xC0]) == .all)  // ud2
    #expect(Self.live([0xFF, 0xE0]) == .all)  // jmp rax
    #expect(Self.live([0x90]) == .all)  // the end of what can be read
  }

  @Test func bothWaysOfABranchCount() {
    // jrcxz over one byte: xor eax, eax there, and sete, xor behind.
    #expect(Self.live([0xE3, 0x02, 0x31, 0xC0, 0x0F, 0x94, 0xC0, 0x31, 0xC0]) == .zero)
    #expect(Self.live([0xE3, 0x02, 0x31, 0xC0, 0x31, 0xC0]) == .none)
  }

  @Test func directJumpsAndCallsAreFollowed() {
    #expect(Self.live([0xEB, 0x01, 0xC3, 0x31, 0xC0]) == .none)  // jmp over a ret; xor
    #expect(Self.live([0xE8, 0x01, 0, 0, 0, 0xC3, 0x31, 0xC0]) == .none)  // call; xor
    #expect(Self.live([0xEB, 0xFE]) == .all)  // jmp to itself: the budget ends
  }

  /// From the start, all flags are dead within the scan's steps. Behind the first instruction, one of two ways doesn't
  /// overwrite CF for longer than that, and the other flags must be found dead all the same.
  @Test func aScanOnTheWayOfAnotherFindsTheSameFlagsDead() {
    let increment: [UInt8] = [0x48, 0xFF, 0xC0]
    let idle = [UInt8](repeating: 0x90, count: FlagLiveness.stepCountMax)
    let code: [UInt8] =
      [0xF8]  // clc
      + [0xE3, UInt8(increment.count + idle.count)]  // jrcxz
      + increment + idle + increment
    #expect(Self.live(code) == .none)
    #expect(Self.live(Array(code.dropFirst())) == .carry)
  }
}
