/// Where the components of the extended state lie in an XSAVE area: leaf 0xd of cpuid, subleaf n for component n
/// (Intel SDM volume 1, 13.2 and 13.4).
package struct ExtendedStateLayout: Equatable, Sendable {
  package struct Component: Equatable, Sendable {
    /// In the standard format.
    package var offset: Int
    package var byteCount: Int
    /// Whether the compacted format begins it at a multiple of 64.
    package var isAligned: Bool

    package init(offset: Int, byteCount: Int, isAligned: Bool) {
      self.offset = offset
      self.byteCount = byteCount
      self.isAligned = isAligned
    }
  }

  /// Component n is at index n; x87 and SSE, which lie in the legacy area, are nil like those that don't exist.
  package var components: [Component?]

  package static let x87 = 0
  package static let sse = 1
  package static let avx = 2
  package static let firstExtended = 2
  package static let headerOffset = 512
  package static let extendedOffset = 576

  package init(components: [Component?]) { self.components = components }

  /// `query` answers leaf 0xd for a subleaf.
  package init(query: (_ subleaf: UInt32) -> (eax: UInt32, ebx: UInt32, ecx: UInt32)) {
    components = [nil, nil]
    // The lower half of those that programs may use; of the upper half only number 62 was ever given out.
    let low = query(0).eax
    for number in UInt32(Self.firstExtended)..<63 {
      guard number == 62 || number < 32 && low >> number & 1 != 0 else {
        components.append(nil)
        continue
      }
      let answer = query(number)
      // Bit 0 of ecx: a component of the supervisor's, which no instruction of a program saves.
      let exists = answer.eax != 0 && answer.ecx & 1 == 0
      components.append(
        exists
          ? Component(offset: Int(answer.ebx), byteCount: Int(answer.eax), isAligned: answer.ecx & 2 != 0) : nil)
    }
  }

  package subscript(number: Int) -> Component? { number < components.count ? components[number] : nil }

  /// The offsets in the compacted format of the components from AVX on that `set` holds.
  package func compactedOffsets(_ set: UInt64) -> [(number: Int, offset: Int)] {
    var result: [(number: Int, offset: Int)] = []
    var end = Self.extendedOffset
    for number in Self.firstExtended..<63 where set & (1 << UInt64(number)) != 0 {
      guard let component = self[number] else { continue }
      if component.isAligned { end = (end + 63) & ~63 }
      result.append((number, end))
      end += component.byteCount
    }
    return result
  }
}
