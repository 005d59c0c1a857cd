import CLinuxShim
import Testing
import TraceFormat

/// Answers from the table, and features hidden from it.
@Suite struct CPUIDTableTests {
  typealias Record = CPUIDTable.Record

  static func processor(_ leaf: UInt32, _ subleaf: UInt32) -> Record {
    var result: [UInt32] = [0, 0, 0, 0]
    rrs_cpuid(leaf, subleaf, &result)
    return Record(leaf: leaf, subleaf: subleaf, eax: result[0], ebx: result[1], ecx: result[2], edx: result[3])
  }

  /// A processor with AVX-512, protection keys and AMX.
  static let large: CPUIDTable = {
    var records: [Record] = []
    func add(_ leaf: UInt32, _ subleaf: UInt32, _ eax: UInt32, _ ebx: UInt32, _ ecx: UInt32, _ edx: UInt32) {
      records.append(Record(leaf: leaf, subleaf: subleaf, eax: eax, ebx: ebx, ecx: ecx, edx: edx))
    }
    add(0, 0, 0x20, 0x756E_6547, 0x6C65_746E, 0x4965_6E69)
    add(1, 0, 0x806F8, 0x0102_0800, 0xFFFA_3203 | 1 << 12, 0x178B_FBFF)
    add(7, 0, 1, 0xF1BF_07AB, 0x1B41_5F5E, 0xFFDD_4532)
    add(7, 1, 0x0020_0CB0, 0, 0, 0x0008_0100)
    add(0xB, 0, 1, 2, 0x100, 7)
    add(0xB, 1, 5, 8, 0x201, 7)
    add(0xD, 0, 0x602E7, 0x2B00, 0x2B00, 0)
    add(0xD, 1, 0x1F, 0x2A00, 0x1800, 0)
    let components: [UInt32: (UInt32, UInt32, UInt32)] = [
      2: (256, 576, 0), 5: (64, 1088, 0), 6: (512, 1152, 0), 7: (1024, 1664, 0), 9: (8, 2688, 0), 17: (64, 2752, 2),
      18: (8192, 2816, 6),
    ]
    for number in UInt32(2)..<64 {
      let component = components[number] ?? (0, 0, 0)
      add(0xD, number, component.0, component.1, component.2, 0)
    }
    add(0x1D, 0, 1, 0, 0, 0)
    add(0x20, 0, 0xABCD, 0, 0, 1)
    add(0x8000_0000, 0, 0x8000_0001, 0, 0, 0)
    add(0x8000_0001, 0, 0, 0, 0x121, 0x2C10_0800)
    return CPUIDTable(records: records)
  }()
  static let largeXCR0: UInt64 = 0x602E7

  @Test func theTableAnswersAsTheProcessor() {
    let table = CPUIDTable.read()
    // cpuid tells the number of the processor it runs on: leaf 1's ebx, and edx of the topology's leaves.
    func comparable(_ record: Record) -> Record {
      var record = record
      switch record.leaf {
      case 1: record.ebx &= 0x00FF_FFFF
      case 0xB, 0x1F, 0x8000_0026: record.edx = 0
      case 0x8000_001E: record.eax = 0; record.ebx = 0
      default: break
      }
      return record
    }
    let first: [UInt32] = [0, 0x4000_0000, 0x4000_0100, 0x8000_0000, 0xC000_0000, 0x2000_0000, 0xFFFF_FFF0]
    for leaf in first.flatMap({ $0...($0 &+ 0xF) }) + Array(0x10...0x28) + Array(0x8000_0010...0x8000_0030) {
      for subleaf in [UInt32(0), 1, 2, 3, 5, 7, 9, 63, 64, 300] {
        // The answer may be of the processor's present state (0xd, 1 of the supervisor's) but not of the time.
        #expect(comparable(table.answer(leaf: leaf, subleaf: subleaf)) == comparable(Self.processor(leaf, subleaf)))
      }
    }
  }

  @Test func whatDoesNotExistIsAnsweredAsTheVendorDoes() {
    var answer = Self.large.answer(leaf: 0x7777, subleaf: 0)
    #expect(answer.eax == 0xABCD && answer.leaf == 0x7777 && answer.subleaf == 0)
    answer = Self.large.answer(leaf: 0x8000_0FFF, subleaf: 0)
    #expect(answer.eax == 0xABCD && answer.edx == 1)
    answer = Self.large.answer(leaf: 0xB, subleaf: 0x105)
    #expect(answer.eax == 0 && answer.ebx == 0 && answer.ecx == 5 && answer.edx == 7)
    #expect(Self.large.answer(leaf: 1, subleaf: 9).ecx == Self.large.answer(leaf: 1, subleaf: 0).ecx)
    #expect(Self.large.answer(leaf: 7, subleaf: 5).eax == 0)
    var records = Self.large.records
    records[0].ebx = 0x6874_7541
    answer = CPUIDTable(records: records).answer(leaf: 0x7777, subleaf: 0)
    #expect(answer.eax == 0 && answer.ebx == 0 && answer.ecx == 0 && answer.edx == 0)
  }

  private func hiding(_ change: (inout HiddenFeatures) -> Void) -> (table: CPUIDTable, xcr0: UInt64) {
    var hidden = HiddenFeatures()
    change(&hidden)
    var xcr0 = Self.largeXCR0
    return (Self.large.hiding(hidden, xcr0: &xcr0), xcr0)
  }

  @Test func nothingHiddenChangesNothing() {
    let (table, xcr0) = hiding { _ in }
    #expect(table == Self.large && xcr0 == Self.largeXCR0)
  }

  @Test func masksClearTheirBits() {
    let (table, xcr0) = hiding {
      $0.basicECX = 1 << 30
      $0.basicEDX = 1 << 23
      $0.extendedEBX = 1 << 9
      $0.extendedECX = 1 << 22
      $0.extendedEDX = 1 << 4
      $0.xsaveEAX = 1 << 1
    }
    let before = Self.large
    #expect(before.answer(leaf: 1, subleaf: 0).ecx ^ table.answer(leaf: 1, subleaf: 0).ecx == 1 << 30)
    #expect(before.answer(leaf: 1, subleaf: 0).edx ^ table.answer(leaf: 1, subleaf: 0).edx == 1 << 23)
    #expect(before.answer(leaf: 7, subleaf: 0).ebx ^ table.answer(leaf: 7, subleaf: 0).ebx == 1 << 9)
    #expect(before.answer(leaf: 7, subleaf: 0).ecx ^ table.answer(leaf: 7, subleaf: 0).ecx == 1 << 22)
    #expect(before.answer(leaf: 7, subleaf: 0).edx ^ table.answer(leaf: 7, subleaf: 0).edx == 1 << 4)
    #expect(table.answer(leaf: 0xD, subleaf: 1).eax == 0x1D)
    #expect(xcr0 == Self.largeXCR0)
  }

  @Test(arguments: [true, false])
  func hidingAVX512HidesItsRegistersToo(byName: Bool) {
    let (table, xcr0) = hiding { if byName { $0.hidesAVX512 = true } else { $0.extendedEBX = 1 << 16 } }
    #expect(xcr0 == Self.largeXCR0 & ~0xE0)
    let features = table.answer(leaf: 7, subleaf: 0)
    #expect(features.ebx & 0xDC23_0000 == 0 && features.ebx & 1 << 5 != 0)
    #expect(features.ecx & 0x5842 == 0 && features.edx & 0x0080_010C == 0)
    #expect(table.answer(leaf: 7, subleaf: 1).eax & 1 << 5 == 0)
    for component in UInt32(5)...7 { #expect(table.answer(leaf: 0xD, subleaf: component).eax == 0) }
    // AMX lies behind it in the standard format, and moves up in the compacted one.
    let state = table.answer(leaf: 0xD, subleaf: 0)
    #expect(state.eax == 0x60207 && state.ebx == 2816 + 8192 && state.ecx == 2816 + 8192)
    #expect(table.answer(leaf: 0xD, subleaf: 1).ebx == 0x2A00 - 1600)
  }

  @Test func levelsLeaveWhatTheyName() {
    let expected: [(ProcessorLevel, UInt64, UInt32)] = [
      (.v1, 3, 0), (.v2, 3, 0), (.v3, 7, 832), (.v4, 0xE7, 2688),
    ]
    for (level, expectedXCR0, byteCount) in expected {
      let (table, xcr0) = hiding { $0.level = level }
      #expect(xcr0 == expectedXCR0, "\(level)")
      let state = table.answer(leaf: 0xD, subleaf: 0)
      #expect(state.ebx == byteCount && state.ecx == byteCount, "\(level)")
      #expect(UInt64(state.eax) == (byteCount == 0 ? 0 : expectedXCR0))
      let basic = table.answer(leaf: 1, subleaf: 0).ecx, extended = table.answer(leaf: 7, subleaf: 0).ebx
      #expect((basic & 1 << 20 != 0) == (level != .v1))  // SSE4.2
      #expect((basic & 7 << 26 == 7 << 26) == (byteCount != 0))  // XSAVE, OSXSAVE, AVX
      #expect((extended & 1 << 5 != 0) == (byteCount != 0))  // AVX2
      #expect((extended & 1 << 16 != 0) == (level == .v4))
      #expect(basic & 1 << 30 == 0)  // RDRAND
      #expect(table.answer(leaf: 0x1D, subleaf: 0).eax == 0)
    }
    #expect(ProcessorLevel(parsing: "v1") == .v1 && ProcessorLevel(parsing: "x86-64") == .v1)
    #expect(ProcessorLevel(parsing: "v3") == .v3 && ProcessorLevel(parsing: "x86-64-v4") == .v4)
    #expect(ProcessorLevel(parsing: "3") == nil && ProcessorLevel(parsing: "v9") == nil)
  }

  @Test func withoutXSAVEThereIsNoExtendedState() {
    let (table, xcr0) = hiding { $0.basicECX = 1 << 26 }
    #expect(xcr0 == 3)
    #expect(table.answer(leaf: 1, subleaf: 0).ecx & 7 << 26 == 0)
    #expect(table.answer(leaf: 7, subleaf: 0).ebx & (1 << 5 | 1 << 16) == 0)
    #expect(table.answer(leaf: 7, subleaf: 0).edx & 1 << 24 == 0)
    for subleaf in UInt32(0)..<20 { #expect(table.answer(leaf: 0xD, subleaf: subleaf).eax == 0) }
  }
}
