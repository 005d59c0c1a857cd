package import KernelABI

/// One register of the target description.
package struct RegisterDescription: Sendable {
  package enum Feature: String, CaseIterable, Sendable {
    case core, sse, linux, segments, avx, avx512, pkeys

    package var name: String { "org.gnu.gdb.i386." + rawValue }
  }

  /// Where its bytes are.
  package enum Place: @unchecked Sendable {
    case general(WritableKeyPath<Registers, UInt64>)
    /// A word of `count` bytes of the area's first 32, shown in four.
    case x87Word(offset: Int, count: Int, mask: UInt64)
    case x87Tags
    /// At an offset in a component of the XSAVE area; in components 0 and 1, from the area's start.
    case component(Int, offset: Int)
  }

  package let feature: Feature
  package let name: String
  package let bitCount: Int
  /// As target descriptions name it.
  package let type: String
  package var group: String?
  package let place: Place

  package var byteCount: Int { bitCount / 8 }

  // MARK: The table

  package static func all(_ features: RegisterFeatures) -> [RegisterDescription] {
    var all = core + x87 + vectors(.sse, "xmm", 0..<16, 128, "vec128", component: 1, at: 160)
    all.append(word("mxcsr", .sse, type: "i386_mxcsr", group: "vector", offset: 24, count: 4))
    all.append(general(.linux, "orig_rax", "int", \.origRax))
    all.append(general(.segments, "fs_base", "int", \.fsBase))
    all.append(general(.segments, "gs_base", "int", \.gsBase))
    func has(_ components: Int...) -> Bool {
      components.allSatisfy { features.xcr0 >> UInt64($0) & 1 == 1 && features.offsets[$0] != nil }
    }
    if has(2) { all += vectors(.avx, "ymm", 0..<16, 128, "uint128", suffix: "h", component: 2) }
    if has(2, 5, 6, 7) { all += avx512 }
    if has(9) { all += vectors(.pkeys, "pkru", nil, 32, "uint32", component: 9) }
    return all
  }

  /// Of components that aren't in the legacy area (Intel's manual, volume 1, 13.5).
  static func componentByteCount(_ index: Int) -> Int {
    switch index {
    case 2: 256
    case 5: 64
    case 6: 512
    case 7: 1024
    case 9: 8
    default: 0
    }
  }

  private static let core: [RegisterDescription] = [
    general(.core, "rax", "int64", \.rax), general(.core, "rbx", "int64", \.rbx),
    general(.core, "rcx", "int64", \.rcx), general(.core, "rdx", "int64", \.rdx),
    general(.core, "rsi", "int64", \.rsi), general(.core, "rdi", "int64", \.rdi),
    general(.core, "rbp", "data_ptr", \.rbp), general(.core, "rsp", "data_ptr", \.rsp),
    general(.core, "r8", "int64", \.r8), general(.core, "r9", "int64", \.r9),
    general(.core, "r10", "int64", \.r10), general(.core, "r11", "int64", \.r11),
    general(.core, "r12", "int64", \.r12), general(.core, "r13", "int64", \.r13),
    general(.core, "r14", "int64", \.r14), general(.core, "r15", "int64", \.r15),
    general(.core, "rip", "code_ptr", \.rip),
    general(.core, "eflags", "i386_eflags", \.eflags, bits: 32),
    general(.core, "cs", "int32", \.cs, bits: 32), general(.core, "ss", "int32", \.ss, bits: 32),
    general(.core, "ds", "int32", \.ds, bits: 32), general(.core, "es", "int32", \.es, bits: 32),
    general(.core, "fs", "int32", \.fs, bits: 32), general(.core, "gs", "int32", \.gs, bits: 32),
  ]

  /// The stack, and the first 24 bytes of the area. The segments are words above the offsets, as gdb reads them.
  private static let x87: [RegisterDescription] =
    (0..<8).map { index in
      .init(
        feature: .core, name: "st\(index)", bitCount: 80, type: "i387_ext",
        place: .component(0, offset: 32 + 16 * index))
    } + [
      word("fctrl", offset: 0, count: 2), word("fstat", offset: 2, count: 2),
      .init(feature: .core, name: "ftag", bitCount: 32, type: "int", group: "float", place: .x87Tags),
      word("fiseg", offset: 12, count: 2), word("fioff", offset: 8, count: 4),
      word("foseg", offset: 20, count: 2), word("fooff", offset: 16, count: 4),
      word("fop", offset: 6, count: 2, mask: 0x7ff),
    ]

  /// Registers 16...31 lie whole in component 7, the upper halves of 0...15 in component 6.
  private static let avx512: [RegisterDescription] =
    vectors(.avx512, "xmm", 16..<32, 128, "vec128", component: 7, stride: 64)
    + vectors(.avx512, "ymm", 16..<32, 128, "uint128", suffix: "h", component: 7, at: 16, stride: 64)
    + vectors(.avx512, "k", 0..<8, 64, "uint64", component: 5)
    + vectors(.avx512, "zmm", 0..<16, 256, "v2ui128", suffix: "h", component: 6)
    + vectors(.avx512, "zmm", 16..<32, 256, "v2ui128", suffix: "h", component: 7, at: 32, stride: 64)

  // MARK: Rows

  private static func general(
    _ feature: Feature, _ name: String, _ type: String, _ field: WritableKeyPath<Registers, UInt64>, bits: Int = 64
  ) -> RegisterDescription {
    .init(feature: feature, name: name, bitCount: bits, type: type, place: .general(field))
  }

  private static func word(
    _ name: String, _ feature: Feature = .core, type: String = "int", group: String = "float", offset: Int, count: Int,
    mask: UInt64 = .max
  ) -> RegisterDescription {
    .init(
      feature: feature, name: name, bitCount: 32, type: type, group: group,
      place: .x87Word(offset: offset, count: count, mask: mask))
  }

  /// Registers of one kind, one every `stride` bytes from `offset` on; one without a number, if there is no range.
  private static func vectors(
    _ feature: Feature, _ stem: String, _ numbers: Range<Int>?, _ bitCount: Int, _ type: String, suffix: String = "",
    component: Int, at offset: Int = 0, stride: Int? = nil
  ) -> [RegisterDescription] {
    (numbers ?? 0..<1).enumerated().map { index, number in
      .init(
        feature: feature, name: stem + (numbers == nil ? "" : "\(number)") + suffix, bitCount: bitCount, type: type,
        place: .component(component, offset: offset + index * (stride ?? bitCount / 8)))
    }
  }
}
