/// Processor features that a recorded program isn't told of, so that it replays on a processor without them.
package struct HiddenFeatures: Equatable, Sendable {
  /// Bits of leaf 1.
  package var basicECX: UInt32 = 0
  package var basicEDX: UInt32 = 0
  /// Bits of leaf 7.
  package var extendedEBX: UInt32 = 0
  package var extendedECX: UInt32 = 0
  package var extendedEDX: UInt32 = 0
  /// Bits of eax in leaf 0xd, subleaf 1.
  package var xsaveEAX: UInt32 = 0
  package var hidesAVX512 = false
  /// All features that a level doesn't have are hidden.
  package var level: ProcessorLevel?

  package init() {}

  package var isEmpty: Bool { self == HiddenFeatures() }
}

/// The micro-architecture levels of the System V psABI for x86-64 (section 3.1.1).
package enum ProcessorLevel: String, Sendable, CaseIterable {
  case v1 = "x86-64"
  case v2 = "x86-64-v2"
  case v3 = "x86-64-v3"
  case v4 = "x86-64-v4"

  /// As the psABI names it, or by its number alone.
  package init?(parsing text: String) {
    let long = text.hasPrefix("v") ? "x86-64-" + text : text
    self.init(rawValue: long == "x86-64-v1" ? "x86-64" : long)
  }

  private var number: Int { Self.allCases.firstIndex(of: self).unsafelyUnwrapped }

  /// The bits that stay: what the level has, and what no program can use, such as the hypervisor's bit.
  var basicECX: UInt32 {
    // MONITOR, PCID, x2APIC, TSC deadline, hypervisor.
    var bits: UInt32 = 1 << 3 | 1 << 17 | 1 << 21 | 1 << 24 | 1 << 31
    // SSE3, SSSE3, CX16, SSE4.1, SSE4.2, POPCNT.
    if number >= 1 { bits |= 1 << 0 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 | 1 << 23 }
    // FMA, MOVBE, XSAVE, OSXSAVE, AVX, F16C.
    if number >= 2 { bits |= 1 << 12 | 1 << 22 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 29 }
    return bits
  }

  var extendedEBX: UInt32 {
    // TSC_ADJUST, SMEP, INVPCID, no x87 selectors, SMAP.
    var bits: UInt32 = 1 << 1 | 1 << 7 | 1 << 10 | 1 << 13 | 1 << 20
    // BMI1, AVX2, BMI2.
    if number >= 2 { bits |= 1 << 3 | 1 << 5 | 1 << 8 }
    // AVX-512 F, DQ, CD, BW, VL.
    if number >= 3 { bits |= 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30 | 1 << 31 }
    return bits
  }

  /// UMIP.
  var extendedECX: UInt32 { 1 << 2 }

  /// MD_CLEAR and the controls of speculation.
  var extendedEDX: UInt32 { 1 << 10 | 0xFC00_0000 }

  /// ecx of leaf 0x8000_0001.
  var vendorECX: UInt32 {
    // Legacy multi-processing, extended APIC, OSVW, topology.
    var bits: UInt32 = 1 << 1 | 1 << 3 | 1 << 9 | 1 << 22
    // LAHF; LZCNT.
    if number >= 1 { bits |= 1 << 0 }
    if number >= 2 { bits |= 1 << 5 }
    return bits
  }

  /// edx of leaf 0x8000_0001: what AMD repeats of leaf 1; SYSCALL, NX, pages of 1 GiB, RDTSCP, long mode.
  static let vendorEDX: UInt32 = 0x0183_F3FF | 1 << 11 | 1 << 20 | 1 << 26 | 1 << 27 | 1 << 29
}
