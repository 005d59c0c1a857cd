import KernelABI
import RemoteProtocol
import Testing

@Suite struct RegisterFileTests {
  static let everything = RegisterFeatures(xcr0: 0x2e7, offsets: [2: 576, 5: 1088, 6: 1152, 7: 1664, 9: 2688])
  static let areaByteCount = 2696

  static func state(inUse: UInt64 = 0x2e7) -> ThreadRegisters {
    var general = Registers()
    general.rax = 0x1122_3344_5566_7788
    general.rip = 0x40_1000
    general.eflags = 0x246
    general.cs = 0x33
    general.gs = 0x1_0000_0002
    general.origRax = .max
    general.fsBase = 0x7fff_f7d8_0740
    var area = (0..<areaByteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    for index in 0..<8 { area[512 + index] = UInt8(truncatingIfNeeded: inUse >> UInt64(index * 8)) }
    return ThreadRegisters(general: general, extended: area)
  }

  static func number(_ name: String, _ file: RegisterFile) -> Int { file.registers.firstIndex { $0.name == name } ?? -1 }

  /// The order and sizes that gdb 13 has itself (`maint print xml-tdesc` of a live process).
  @Test func numbersAreThoseOfGDB() {
    let file = RegisterFile(Self.everything)
    let rows: [(String, Int, Int)] = [
      ("rax", 0, 64), ("rbx", 1, 64), ("rsp", 7, 64), ("r15", 15, 64), ("rip", 16, 64), ("eflags", 17, 32), ("gs", 23, 32),
      ("st0", 24, 80), ("st7", 31, 80), ("fctrl", 32, 32), ("ftag", 34, 32), ("fiseg", 35, 32), ("fioff", 36, 32),
      ("foseg", 37, 32), ("fooff", 38, 32), ("fop", 39, 32), ("xmm0", 40, 128), ("xmm15", 55, 128), ("mxcsr", 56, 32),
      ("orig_rax", 57, 64),
      ("fs_base", 58, 64), ("gs_base", 59, 64), ("ymm0h", 60, 128), ("ymm15h", 75, 128), ("xmm16", 76, 128), ("xmm31", 91, 128),
      ("ymm16h", 92, 128), ("ymm31h", 107, 128), ("k0", 108, 64), ("k7", 115, 64), ("zmm0h", 116, 256), ("zmm31h", 147, 256),
      ("pkru", 148, 32),
    ]
    for (name, number, bits) in rows {
      #expect(Self.number(name, file) == number)
      #expect(file.registers[number].bitCount == bits, "\(name)")
    }
    #expect(file.registers.count == 149)
    #expect(RegisterFile(RegisterFeatures(xcr0: 3, offsets: [:])).registers.count == 60)
    #expect(RegisterFile(RegisterFeatures(xcr0: 7, offsets: [2: 576])).registers.count == 76)
  }

  @Test func bytesComeFromTheirPlaces() {
    let file = RegisterFile(Self.everything)
    let state = Self.state()
    func bytes(_ name: String) -> [UInt8]? { file.bytes(of: Self.number(name, file), in: state) }
    func area(_ start: Int, _ count: Int) -> [UInt8] { Array(state.extended[start..<start + count]) }
    #expect(bytes("rax") == [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])
    #expect(bytes("eflags") == [0x46, 2, 0, 0])
    #expect(bytes("gs") == [2, 0, 0, 0])
    #expect(bytes("orig_rax") == [UInt8](repeating: 0xff, count: 8))
    #expect(bytes("fs_base") == [0x40, 7, 0xd8, 0xf7, 0xff, 0x7f, 0, 0])
    #expect(bytes("st3") == area(32 + 48, 10))
    #expect(bytes("fctrl") == area(0, 2) + [0, 0])
    #expect(bytes("fstat") == area(2, 2) + [0, 0])
    #expect(bytes("fop") == [area(6, 1)[0], area(7, 1)[0] & 7, 0, 0])
    #expect(bytes("fioff") == area(8, 4))
    #expect(bytes("fiseg") == area(12, 2) + [0, 0])
    #expect(bytes("fooff") == area(16, 4))
    #expect(bytes("foseg") == area(20, 2) + [0, 0])
    #expect(bytes("mxcsr") == area(24, 4))
    #expect(bytes("xmm15") == area(160 + 240, 16))
    #expect(bytes("ymm2h") == area(576 + 32, 16))
    #expect(bytes("k3") == area(1088 + 24, 8))
    #expect(bytes("zmm5h") == area(1152 + 160, 32))
    #expect(bytes("xmm17") == area(1664 + 64, 16))
    #expect(bytes("ymm17h") == area(1664 + 80, 16))
    #expect(bytes("zmm17h") == area(1664 + 96, 32))
    #expect(bytes("pkru") == area(2688, 4))
    #expect(file.bytes(of: 149, in: state) == nil)
    #expect(file.bytes(of: -1, in: state) == nil)
    #expect(file.allBytes(in: state).count == file.byteCount)
    #expect(file.allBytes(in: state) == file.registers.indices.flatMap { file.bytes(of: $0, in: state) ?? [] })
  }

  /// The area says which registers are in use, gdb wants to know what is in them.
  @Test func x87Tags() {
    let file = RegisterFile(Self.everything)
    var state = Self.state()
    for index in 0..<160 { state.extended[index] = 0 }
    func tags() -> [UInt8]? { file.bytes(of: Self.number("ftag", file), in: state) }
    #expect(tags() == [0xff, 0xff, 0, 0])
    // Two pushes, of 1.0 and then 0.0: the top is 6, st0 is physical register 6, st1 is 7.
    state.extended[3] = 6 << 3
    state.extended[4] = 0b1100_0000
    state.extended.replaceSubrange(48..<58, with: [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f])
    #expect(tags() == [0xff, 0x1f, 0, 0])
    // An infinity, and a denormal.
    state.extended.replaceSubrange(48..<58, with: [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f])
    state.extended.replaceSubrange(32..<42, with: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(tags() == [0xff, 0xaf, 0, 0])
    #expect(file.set(Self.number("ftag", file), to: [0xff, 0x3f, 0, 0], in: &state))
    #expect(state.extended[4] == 0b1000_0000)
  }

  @Test func componentsInTheirInitialState() {
    let file = RegisterFile(Self.everything)
    let state = Self.state(inUse: 0)
    for (number, register) in file.registers.enumerated() {
      guard case .component = register.place else { continue }
      #expect(file.bytes(of: number, in: state)?.allSatisfy { $0 == 0 } == true, "\(register.name)")
    }
    #expect(file.bytes(of: Self.number("fctrl", file), in: state) == [0x7f, 3, 0, 0])
    #expect(file.bytes(of: Self.number("ftag", file), in: state) == [0xff, 0xff, 0, 0])
    #expect(file.bytes(of: Self.number("mxcsr", file), in: state) == Array(state.extended[24..<28]))
    let none = ThreadRegisters(general: Registers(), extended: [])
    #expect(file.allBytes(in: none).count == file.byteCount)
  }

  @Test func everyRegisterCanBeSet() {
    let file = RegisterFile(Self.everything)
    for inUse in [UInt64(0x2e7), 0] {
      for (number, register) in file.registers.enumerated() where register.name != "ftag" {
        var state = Self.state(inUse: inUse)
        var expected = file.registers.indices.map { file.bytes(of: $0, in: state) }
        let mask = register.name == "fop" ? [0xff, 7] : [UInt8](repeating: 0xff, count: 32)
        let isWord = ["fctrl", "fstat", "fop", "fiseg", "foseg"].contains(register.name)
        var bytes = [UInt8](repeating: 0, count: register.byteCount)
        for index in 0..<(isWord ? 2 : register.byteCount) { bytes[index] = UInt8(0xa0 + index) & mask[index] }
        #expect(file.set(number, to: bytes, in: &state))
        expected[number] = bytes
        let tag = Self.number("ftag", file)
        for other in file.registers.indices where other != tag {
          #expect(file.bytes(of: other, in: state) == expected[other], "\(register.name) changed \(file.registers[other].name)")
        }
      }
    }
    var state = Self.state()
    #expect(!file.set(0, to: [1, 2], in: &state))
    #expect(!file.set(149, to: [1, 2, 3, 4], in: &state))
    #expect(state == Self.state())
    #expect(!file.setAll([0], in: &state))
    #expect(file.setAll(file.allBytes(in: state), in: &state))
    #expect(state == Self.state())
    #expect(file.setAll([UInt8](repeating: 0, count: file.byteCount), in: &state))
    #expect(file.allBytes(in: state).allSatisfy { $0 == 0 || $0 == 1 || $0 == 0x55 })
  }

  @Test func valuesForConditions() {
    let file = RegisterFile(Self.everything)
    let general = Self.state().general
    #expect(file.generalValue(0, general) == general.rax)
    #expect(file.generalValue(16, general) == general.rip)
    #expect(file.generalValue(23, general) == 2)
    #expect(file.generalValue(58, general) == general.fsBase)
    #expect(file.generalValue(40, general) == nil)
    #expect(file.generalValue(1000, general) == nil)
  }
}
