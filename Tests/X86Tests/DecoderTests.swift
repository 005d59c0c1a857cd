import TestSupport
import Testing
import X86

/// The decoder against Zydis on random bytes, and against objdump on real programs.
@Suite struct DecoderTests {
  /// A fast path that says less than Zydis costs time; one that says more would be wrong.
  @Test func fastPathAgreesWithZydis() {
    var random = SeededRandom()
    let decoder = InstructionDecoder()
    var compared = 0
    for _ in 0..<(TestEnvironment.number("RRS_DECODER_CASES") ?? 100_000) {
      let bytes = Self.plausibleBytes(&random)
      guard let thorough = decoder.decodeThoroughly(bytes, count: 15), let fast = decoder.decode(bytes, count: 15) else {
        continue
      }
      compared += 1
      let what = "\(Self.text(bytes)), seed \(random.seed)"
      #expect(fast.length == thorough.length, "length of \(what)")
      #expect(fast.kind == thorough.kind, "kind of \(what)")
      #expect(fast.displacementOffset == thorough.displacementOffset, "displacement of \(what)")
      #expect(fast.relative == thorough.relative, "target of \(what)")
      #expect(fast.hasAddressSizePrefix == thorough.hasAddressSizePrefix, "address size of \(what)")
      if thorough.isRIPRelative { #expect(fast.modRMOffset == thorough.modRMOffset, "ModRM of \(what)") }
      #expect(fast.flagsRead.isSuperset(of: thorough.flagsRead), "flags read by \(what)")
      // Zydis gives shifts no credit here, takes AF after logical operations as undefined, as the manual does, and
      // doesn't know that sbb writes it.
      let allowed = Self.isShift(thorough) ? .all : thorough.flagsKilled.union(Self.writesAdjust(bytes, fast) ? .adjust : .none)
      #expect(allowed.isSuperset(of: fast.flagsKilled), "flags overwritten by \(what)")
      if fast.length != thorough.length || !allowed.isSuperset(of: fast.flagsKilled) { return }
    }
    #expect(compared > 1000)
  }

  /// A window that ends within an instruction doesn't hold one.
  @Test func decodingStopsAtTheEnd() throws {
    var random = SeededRandom()
    let decoder = InstructionDecoder()
    for _ in 0..<5000 {
      let bytes = Self.plausibleBytes(&random)
      guard let whole = decoder.decode(bytes, count: 15) else { continue }
      for count in 0..<15 {
        let cut = decoder.decode(bytes, count: count)
        if count < Int(whole.length) {
          #expect(cut == nil || Int(cut?.length ?? 0) <= count, "\(Self.text(bytes)) cut to \(count)")
        } else {
          #expect(cut?.length == whole.length, "\(Self.text(bytes)) cut to \(count)")
        }
      }
    }
  }

  @Test(.enabled(if: Disassembler.isAvailable), arguments: ["/bin/bash", "/usr/bin/objdump", "/usr/bin/perl"])
  func realProgramsDecodeAsObjdumpSays(program: String) throws {
    guard TestEnvironment.has(String(program.split(separator: "/").last ?? "")) else { return }
    let decoder = InstructionDecoder()
    let lines = try Disassembler.disassemble(program: program)
    try #require(lines.count > 1000)
    var differences = 0
    for line in lines where !line.text.contains("(bad)") && line.bytes.count > 0 {
      let bytes = line.bytes + [UInt8](repeating: 0, count: 16)
      let instruction = decoder.decode(bytes, count: 15)
      let problem = Self.difference(instruction, line)
      if let problem {
        differences += 1
        Issue.record("\(program) \(String(line.address, radix: 16)): \(line.text): \(problem)")
      }
      if differences > 10 { break }
    }
  }

  private static func difference(_ instruction: Instruction?, _ line: Disassembler.Line) -> String? {
    // objdump shows fwait and the instruction that it belongs to as one.
    if line.bytes.first == 0x9B { return nil }
    guard let instruction else { return "not decoded" }
    if Int(instruction.length) != line.bytes.count { return "length \(instruction.length)" }
    let words = line.text.split(separator: " ").filter { !["bnd", "notrack", "rex.W", "data16", "repz"].contains($0) }
    guard let mnemonic = words.first else { return nil }
    let target = words.count > 1 ? UInt64(words[1].hasPrefix("0x") ? words[1].dropFirst(2) : words[1], radix: 16) : nil
    let isDirect = target != nil
    switch mnemonic {
    case "jmp", "call":
      let direct: Instruction.Kind = mnemonic == "jmp" ? .jump : .call
      let indirect: Instruction.Kind = mnemonic == "jmp" ? .indirectJump : .indirectCall
      let kind = isDirect ? direct : indirect
      if instruction.kind != kind { return "kind \(instruction.kind)" }
      if isDirect && instruction.target(at: line.address) != target { return "target" }
    case "ret": if instruction.kind != .nearReturn { return "kind \(instruction.kind)" }
    case "syscall": if instruction.kind != .syscall { return "kind \(instruction.kind)" }
    case "ud2": if instruction.kind != .undefined { return "kind \(instruction.kind)" }
    default:
      let isConditional = mnemonic.first == "j"
      if isConditional != (instruction.kind == .conditionalJump || instruction.kind == .counterJump) {
        return "kind \(instruction.kind)"
      }
      if isConditional && instruction.target(at: line.address) != target { return "target" }
      if line.text.contains("[rip") != instruction.isRIPRelative { return "RIP-relative: \(instruction.isRIPRelative)" }
    }
    return nil
  }

  /// Random bytes with more prefixes and escapes than chance would have.
  private static func plausibleBytes(_ random: inout SeededRandom) -> [UInt8] {
    var bytes: [UInt8] = []
    if Int.random(in: 0..<4, using: &random) == 0 {
      bytes.append([0x66, 0x67, 0xF2, 0xF3, 0xF0, 0x64, 0x2E].randomElement(using: &random) ?? 0x66)
    }
    if Int.random(in: 0..<8, using: &random) == 0 { bytes.append(0x66) }
    if Bool.random(using: &random) { bytes.append(0x40 | UInt8.random(in: 0..<16, using: &random)) }
    if Bool.random(using: &random) { bytes.append(0x0F) }
    while bytes.count < 16 { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    return bytes
  }

  private static func isShift(_ instruction: Instruction) -> Bool { [0xC0, 0xC1, 0xD0, 0xD1].contains(instruction.opcode) }

  private static func writesAdjust(_ bytes: [UInt8], _ instruction: Instruction) -> Bool {
    let selector = instruction.modRMOffset == 0 ? 0 : (bytes[Int(instruction.modRMOffset)] >> 3) & 7
    switch instruction.opcode {
    case 0x08...0x0D, 0x18...0x1D, 0x20...0x25, 0x30...0x35, 0x84, 0x85, 0xA8, 0xA9: return true
    case 0x80, 0x81, 0x83: return [1, 3, 4, 6].contains(selector)
    case 0xF6, 0xF7: return selector < 2
    default: return false
    }
  }

  private static func text(_ bytes: [UInt8]) -> String { bytes.map { String($0, radix: 16) }.joined(separator: " ") }
}
