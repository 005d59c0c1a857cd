import CLinuxShim

/// This machine's processor.
enum Processor {
  static func cpuid(_ leaf: UInt32, _ subleaf: UInt32) -> (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    var result: [UInt32] = [0, 0, 0, 0]
    rrs_cpuid(leaf, subleaf, &result)
    return (result[0], result[1], result[2], result[3])
  }

  static let xcr0 = rrs_xgetbv0()
}
