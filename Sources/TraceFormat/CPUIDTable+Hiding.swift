extension CPUIDTable {
  /// This table without `hidden`, and without what depends on that. `xcr0` becomes what `xgetbv` must answer with it.
  ///
  /// What is hidden of the extended state is hidden altogether: from leaf 0xd with its sizes, and from xcr0. A program
  /// asks `xgetbv` which registers the system keeps, takes the size of its area from leaf 0xd, and saves with a mask of
  /// its own: it must see the same xcr0 in all three. So this is for engines that answer cpuid and `xgetbv`, and
  /// execute what saves state by hand. The processor's own xcr0 stays as it is.
  package func hiding(_ hidden: HiddenFeatures, xcr0: inout UInt64) -> CPUIDTable {
    guard !hidden.isEmpty else { return self }
    var table = self
    table.clear(1, 0, ecx: hidden.basicECX, edx: hidden.basicEDX)
    table.clear(7, 0, ebx: hidden.extendedEBX, ecx: hidden.extendedECX, edx: hidden.extendedEDX)
    table.clear(0xD, 1, eax: hidden.xsaveEAX)
    if hidden.hidesAVX512 { table.clear(7, 0, ebx: Bits.avx512F) }
    if let level = hidden.level { table.reduce(to: level) }
    table.hideDependents()
    table.hideExtendedState(before: self, &xcr0)
    return table
  }

  private enum Bits {
    // Leaf 1, ecx.
    static let xsave: UInt32 = 1 << 26
    static let osxsave: UInt32 = 1 << 27
    static let avx: UInt32 = 1 << 28
    /// FMA, F16C: they have VEX forms alone.
    static let basicOfAVX: UInt32 = 1 << 12 | 1 << 29
    // Leaf 7.
    static let avx512F: UInt32 = 1 << 16
    static let avx2: UInt32 = 1 << 5
    static let mpx: UInt32 = 1 << 14
    /// DQ, IFMA, PF, ER, CD, BW, VL.
    static let extendedEBXOfAVX512: UInt32 = 1 << 17 | 1 << 21 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 30 | 1 << 31
    /// VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ.
    static let extendedECXOfAVX512: UInt32 = 1 << 1 | 1 << 6 | 1 << 11 | 1 << 12 | 1 << 14
    /// 4VNNIW, 4FMAPS, VP2INTERSECT, FP16.
    static let extendedEDXOfAVX512: UInt32 = 1 << 2 | 1 << 3 | 1 << 8 | 1 << 23
    /// VAES, VPCLMULQDQ.
    static let extendedECXOfAVX: UInt32 = 1 << 9 | 1 << 10
    /// PKU, OSPKE.
    static let protectionKeys: UInt32 = 1 << 3 | 1 << 4
    static let amxTile: UInt32 = 1 << 24
    /// AMX-BF16 and AMX-INT8.
    static let extendedEDXOfAMX: UInt32 = 1 << 22 | 1 << 25
    // Leaf 7, subleaf 1.
    static let avx512BF16: UInt32 = 1 << 5
    /// AVX-VNNI, AVX-IFMA; AVX-VNNI-INT8, AVX-NE-CONVERT, AVX-VNNI-INT16.
    static let secondEAXOfAVX: UInt32 = 1 << 4 | 1 << 23
    static let secondEDXOfAVX: UInt32 = 1 << 4 | 1 << 5 | 1 << 10
    /// AMX-FP16; AMX-COMPLEX.
    static let secondEAXOfAMX: UInt32 = 1 << 21
    static let secondEDXOfAMX: UInt32 = 1 << 8
    static let avx10: UInt32 = 1 << 19
    /// XOP, FMA4: leaf 0x8000_0001, ecx.
    static let vendorOfAVX: UInt32 = 1 << 11 | 1 << 16
  }

  private func has(_ leaf: UInt32, _ register: KeyPath<Record, UInt32>, _ bits: UInt32) -> Bool {
    (record(leaf, 0)?[keyPath: register] ?? 0) & bits != 0
  }

  private mutating func change(_ leaf: UInt32, _ subleaf: UInt32, _ body: (inout Record) -> Void) {
    guard let index = records.firstIndex(where: { $0.leaf == leaf && $0.subleaf == subleaf }) else { return }
    body(&records[index])
  }

  private mutating func clear(
    _ leaf: UInt32, _ subleaf: UInt32, eax: UInt32 = 0, ebx: UInt32 = 0, ecx: UInt32 = 0, edx: UInt32 = 0
  ) {
    change(leaf, subleaf) { record in
      record.eax &= ~eax
      record.ebx &= ~ebx
      record.ecx &= ~ecx
      record.edx &= ~edx
    }
  }

  private mutating func erase(_ leaf: UInt32, _ subleaf: UInt32? = nil) {
    for record in records where record.leaf == leaf && (subleaf == nil || subleaf == record.subleaf) {
      clear(leaf, record.subleaf, eax: ~0, ebx: ~0, ecx: ~0, edx: ~0)
    }
  }

  private mutating func reduce(to level: ProcessorLevel) {
    clear(1, 0, ecx: ~level.basicECX)
    clear(7, 0, eax: ~0, ebx: ~level.extendedEBX, ecx: ~level.extendedECX, edx: ~level.extendedEDX)
    for record in records where record.leaf == 7 && record.subleaf > 0 { erase(7, record.subleaf) }
    clear(0xD, 1, eax: ~0)
    clear(0x8000_0001, 0, ecx: ~level.vendorECX, edx: ~ProcessorLevel.vendorEDX)
    // CLZERO, RDPRU and others of AMD's that programs can execute are below bit 10.
    clear(0x8000_0008, 0, ebx: 0x3FF)
    // SGX, processor trace, key locker, AMX, AVX10; lightweight profiling.
    for leaf in [UInt32(0x12), 0x14, 0x19, 0x1D, 0x1E, 0x24, 0x8000_001C] { erase(leaf) }
  }

  /// Hides what needs a feature that isn't there.
  private mutating func hideDependents() {
    if !has(1, \.ecx, Bits.xsave) { clear(1, 0, ecx: Bits.osxsave) }
    if !has(1, \.ecx, Bits.osxsave) {
      clear(1, 0, ecx: Bits.avx)
      clear(7, 0, edx: Bits.amxTile)
      clear(7, 0, ebx: Bits.mpx, ecx: Bits.protectionKeys)
    }
    if !has(1, \.ecx, Bits.avx) {
      clear(1, 0, ecx: Bits.basicOfAVX)
      clear(7, 0, ebx: Bits.avx2 | Bits.avx512F, ecx: Bits.extendedECXOfAVX)
      clear(7, 1, eax: Bits.secondEAXOfAVX, edx: Bits.secondEDXOfAVX)
      clear(0x8000_0001, 0, ecx: Bits.vendorOfAVX)
    }
    if !has(7, \.ebx, Bits.avx2) { clear(7, 0, ebx: Bits.avx512F) }
    if !has(7, \.ebx, Bits.avx512F) {
      clear(
        7, 0, ebx: Bits.extendedEBXOfAVX512, ecx: Bits.extendedECXOfAVX512, edx: Bits.extendedEDXOfAVX512)
      clear(7, 1, eax: Bits.avx512BF16, edx: Bits.avx10)
      erase(0x24)
    }
    if !has(7, \.ecx, Bits.protectionKeys & 1 << 3) { clear(7, 0, ecx: Bits.protectionKeys) }
    if !has(7, \.edx, Bits.amxTile) {
      clear(7, 0, edx: Bits.extendedEDXOfAMX)
      clear(7, 1, eax: Bits.secondEAXOfAMX, edx: Bits.secondEDXOfAMX)
      erase(0x1D)
      erase(0x1E)
    }
  }

  /// Takes the components of features that were there `before` out of leaf 0xd and xcr0.
  private mutating func hideExtendedState(before: CPUIDTable, _ xcr0: inout UInt64) {
    let owners: [(leaf: UInt32, register: KeyPath<Record, UInt32>, bits: UInt32, components: UInt64)] = [
      (1, \.ecx, Bits.avx, 1 << 2), (7, \.ebx, Bits.mpx, 1 << 3 | 1 << 4), (7, \.ebx, Bits.avx512F, 7 << 5),
      (7, \.ecx, 1 << 3, 1 << 9), (7, \.edx, Bits.amxTile, 3 << 17),
    ]
    var gone: UInt64 = 0
    for owner in owners
    where before.has(owner.leaf, owner.register, owner.bits) && !has(owner.leaf, owner.register, owner.bits) {
      gone |= owner.components
    }
    if before.has(1, \.ecx, Bits.xsave) && !has(1, \.ecx, Bits.xsave) {
      gone = ~3
      erase(0xD)
    }
    guard gone != 0 else { return }
    let compactedBefore = compactedByteCount(xcr0)
    let enabled = xcr0 & ~gone
    let compactedNow = compactedByteCount(enabled)
    xcr0 = enabled
    guard has(1, \.ecx, Bits.xsave) else { return }
    change(0xD, 1) { record in
      // The size for xcr0 and the supervisor's components together.
      if record.ebx != 0 { record.ebx -= min(compactedBefore - compactedNow, record.ebx) }
    }
    for component in UInt32(2)..<63 where gone & (1 << UInt64(component)) != 0 { erase(0xD, component) }
    change(0xD, 0) { record in
      record.eax &= ~UInt32(truncatingIfNeeded: gone)
      record.edx &= ~UInt32(truncatingIfNeeded: gone >> 32)
    }
    let supported = record(0xD, 0).map { UInt64($0.edx) << 32 | UInt64($0.eax) } ?? 0
    let (enabledSize, supportedSize) = (byteCount(enabled), byteCount(supported))
    change(0xD, 0) { record in
      record.ebx = enabledSize
      record.ecx = supportedSize
    }
  }

  /// The size of an XSAVE area in the standard format that holds these components.
  private func byteCount(_ components: UInt64) -> UInt32 {
    (UInt32(2)..<63).reduce(576) { size, number in
      guard components & (1 << UInt64(number)) != 0, let record = record(0xD, number) else { return size }
      return max(size, record.ebx + record.eax)
    }
  }

  /// The same in the compacted format.
  private func compactedByteCount(_ components: UInt64) -> UInt32 {
    (UInt32(2)..<63).reduce(576) { size, number in
      guard components & (1 << UInt64(number)) != 0, let record = record(0xD, number) else { return size }
      return (record.ecx & 2 != 0 ? (size + 63) & ~63 : size) + record.eax
    }
  }
}
