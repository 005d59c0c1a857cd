import CLinuxShim

/// A processor's answers to the cpuid instruction, as the trace header keeps them.
package struct CPUIDTable: Equatable, Sendable {
  package typealias Record = TraceHeader.CPUIDRecord

  package internal(set) var records: [Record]

  package init(records: [Record]) { self.records = records }

  // MARK: - Asking

  /// What cpuid answers: for leaves and subleaves that don't exist as Intel's or AMD's processors do, whichever the
  /// table is of (Intel SDM volume 2, CPUID; AMD64 manual volume 3, appendix E).
  package func answer(leaf: UInt32, subleaf: UInt32) -> Record {
    var answer = knownAnswer(leaf, subleaf) ?? Record(leaf: leaf, subleaf: subleaf, eax: 0, ebx: 0, ecx: 0, edx: 0)
    answer.leaf = leaf
    answer.subleaf = subleaf
    return answer
  }

  private func knownAnswer(_ leaf: UInt32, _ subleaf: UInt32) -> Record? {
    if let record = record(leaf, subleaf) { return record }
    guard let first = record(leaf, 0) else {
      // Intel's processors answer with their highest basic leaf, AMD's with zeros.
      guard answersBeyondTheLastLeaf, let last = record(0, 0)?.eax, last != leaf else { return nil }
      return knownAnswer(last, subleaf)
    }
    guard Self.hasSubleaves(leaf) else { return first }
    // A level of the topology that doesn't exist still says which was asked for, and which processor this is.
    guard Self.isTopology(leaf), first.ebx != 0 else { return nil }
    return Record(leaf: leaf, subleaf: subleaf, eax: 0, ebx: 0, ecx: subleaf & 0xFF, edx: first.edx)
  }

  func record(_ leaf: UInt32, _ subleaf: UInt32) -> Record? {
    records.first { $0.leaf == leaf && $0.subleaf == subleaf }
  }

  /// By the vendor's name in leaf 0: ebx of "AuthenticAMD" and "HygonGenuine".
  private var answersBeyondTheLastLeaf: Bool {
    guard let vendor = record(0, 0)?.ebx else { return false }
    return vendor != 0x6874_7541 && vendor != 0x6F67_7948
  }

  private static func isTopology(_ leaf: UInt32) -> Bool { [0xB, 0x1F, 0x8000_0026].contains(leaf) }

  private static func hasSubleaves(_ leaf: UInt32) -> Bool {
    switch leaf {
    case 4, 7, 0xB, 0xD, 0xF, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1B, 0x1D, 0x1F, 0x20, 0x23, 0x24: true
    case 0x8000_001D, 0x8000_0020, 0x8000_0026: true
    default: false
    }
  }

  // MARK: - Reading

  /// This processor's: all basic, extended and hypervisor's leaves, with the subleaves of those that have any.
  package static func read() -> CPUIDTable {
    var records: [Record] = []
    for first in [UInt32(0), 0x4000_0000, 0x4000_0100, 0x8000_0000] {
      // The hypervisor's leaves are there if it says so in ecx of leaf 1.
      if first & 0x4000_0000 != 0 && query(1, 0).ecx >> 31 == 0 { continue }
      let last = query(first, 0).eax
      guard last >= first, last - first < 256 else { continue }
      for leaf in first...last {
        for subleaf in subleaves(leaf) { records.append(query(leaf, subleaf)) }
      }
    }
    return CPUIDTable(records: records)
  }

  /// The byte count of the XSAVE area for the features that the kernel enabled: leaf 0xd, ebx.
  package static var extendedStateByteCount: UInt32 { query(0xd, 0).ebx }

  /// The subleaves to keep; others are like ones that don't exist. Each question costs a virtual machine some 20 µs.
  private static func subleaves(_ leaf: UInt32) -> [UInt32] {
    switch leaf {
    case 0xD:
      // Two that say which components the processor has, for programs and for the kernel, and one for each of those.
      let (user, supervisor) = (query(leaf, 0), query(leaf, 1))
      let present = UInt64(user.edx | supervisor.edx) << 32 | UInt64(user.eax | supervisor.ecx)
      return (0..<64).filter { $0 < 2 || present >> UInt64($0) & 1 != 0 }
    // eax of the first is the number of the last.
    case 7, 0x14, 0x17, 0x18, 0x1D, 0x20, 0x24: return Array(0...min(query(leaf, 0).eax, 63))
    default: return Array(0..<(hasSubleaves(leaf) ? 8 : 1))
    }
  }

  private static func query(_ leaf: UInt32, _ subleaf: UInt32) -> Record {
    var result: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &result) {
      rrs_cpuid(leaf, subleaf, $0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self))
    }
    return Record(leaf: leaf, subleaf: subleaf, eax: result.0, ebx: result.1, ecx: result.2, edx: result.3)
  }
}
