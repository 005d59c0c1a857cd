import Execution
import Testing
import X86

/// Images without a tracee: components that this machine need not have.
@Suite struct StateImageTests {
  static let layout: ExtendedStateLayout = {
    var components = [ExtendedStateLayout.Component?](repeating: nil, count: 63)
    components[2] = .init(offset: 576, byteCount: 256, isAligned: false)
    components[5] = .init(offset: 1088, byteCount: 64, isAligned: false)
    components[6] = .init(offset: 1152, byteCount: 512, isAligned: false)
    components[7] = .init(offset: 1664, byteCount: 1024, isAligned: false)
    components[9] = .init(offset: 2688, byteCount: 8, isAligned: false)
    components[17] = .init(offset: 2752, byteCount: 64, isAligned: true)
    return ExtendedStateLayout(components: components)
  }()

  static func save(_ form: StateSave.Form, isWide: Bool = false) -> StateSave {
    StateSave(form: form, isWide: isWide, isNarrow: false, operand: MemoryOperand(), length: 4)
  }

  /// Byte n of component k is n + k; all are present.
  static func state(present: UInt64) -> ProcessorState {
    var bytes = [UInt8](repeating: 0, count: 2816)
    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 7 &+ 1) }
    for byte in 0..<8 { bytes[512 + byte] = UInt8(truncatingIfNeeded: present >> (8 * UInt64(byte))) }
    return ProcessorState(bytes: bytes, layout: layout)
  }

  @Test func compactedComponentsFollowEachOther() {
    let components: UInt64 = 1 << 2 | 1 << 5 | 1 << 9 | 1 << 17
    let offsets = Self.layout.compactedOffsets(components)
    #expect(offsets.map(\.number) == [2, 5, 9, 17])
    #expect(offsets.map(\.offset) == [576, 832, 896, 960])
    let image = StateImage(
      Self.save(.xsavec), of: Self.state(present: 0x202E7), components: components, oldPresent: 0, layout: Self.layout)
    #expect(image.pieces.map(\.offset) == [512, 576, 960])
    #expect(image.pieces.map(\.bytes.count) == [16, 328, 64])
    #expect(image.pieces[0].bytes == [0x24, 0x02, 0x02, 0, 0, 0, 0, 0, 0x24, 0x02, 0x02, 0, 0, 0, 0, 0x80])
  }

  @Test func componentsKeptOutStayInTheHeader() {
    let image = StateImage(
      Self.save(.xsave), of: Self.state(present: 7), components: 4, oldPresent: 0x8000_0003, layout: Self.layout)
    #expect(image.pieces.map(\.offset) == [24, 512, 576])
    #expect(image.pieces[1].bytes == [7, 0, 0, 0x80, 0, 0, 0, 0])
  }

  @Test func whatTheKernelLeftOutIsInItsInitialConfiguration() {
    let state = Self.state(present: 0)
    #expect(state.controlWord == 0x37F && state.statusWord == 0 && state.tagWord == 0xFFFF)
    #expect(state.component(2, byteCount: 256) == [UInt8](repeating: 0, count: 256))
    #expect(state.bytes[160..<416].allSatisfy { $0 == 0 })
    // A component that this machine doesn't know at all.
    #expect(state.component(18, byteCount: 16) == [UInt8](repeating: 0, count: 16))
  }

  @Test func narrowPointersHaveNoSelectors() {
    let narrow = StateImage(
      Self.save(.fxsave), of: Self.state(present: 7), components: 0, oldPresent: 0, layout: Self.layout)
    #expect(narrow.pieces.map(\.offset) == [0])
    #expect(narrow.pieces[0].bytes.count == 416)
    #expect(narrow.pieces[0].bytes[12..<16].allSatisfy { $0 == 0 })
  }
}
