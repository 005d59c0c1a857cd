import CLinuxShim

/// The processor's CPUID answers, as the trace header keeps them.
package enum CPUIDTable {
  /// All basic and extended leaves, with the subleaves of those that have any.
  package static func read() -> [TraceHeader.CPUIDRecord] {
    var records: [TraceHeader.CPUIDRecord] = []
    for first in [UInt32(0), 0x8000_0000] {
      let last = query(first, 0).eax
      guard last >= first, last - first < 256 else { continue }
      for leaf in first...last {
        for subleaf in 0..<subleafCount(leaf) { records.append(query(leaf, subleaf)) }
      }
    }
    return records
  }

  /// The byte count of the XSAVE area for the features that the kernel enabled: leaf 0xd, ebx.
  package static var extendedStateByteCount: UInt32 { query(0xd, 0).ebx }

  private static func subleafCount(_ leaf: UInt32) -> UInt32 {
    switch leaf {
    case 4, 0x8000_001d: 8
    case 7, 0x14, 0x1d, 0x24: 2
    case 0xb, 0x1f, 0x8000_0026: 4
    case 0xd: 64
    default: 1
    }
  }

  private static func query(_ leaf: UInt32, _ subleaf: UInt32) -> TraceHeader.CPUIDRecord {
    var result: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &result) {
      rrs_cpuid(leaf, subleaf, $0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self))
    }
    return .init(leaf: leaf, subleaf: subleaf, eax: result.0, ebx: result.1, ecx: result.2, edx: result.3)
  }
}
