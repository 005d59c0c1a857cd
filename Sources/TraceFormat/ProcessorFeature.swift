/// A feature of processors that programs use without asking the system: what was recorded with it can't be replayed
/// without it. (Intel SDM volume 2, CPUID; AMD64 manual volume 3, appendix E.)
package struct ProcessorFeature: Sendable {
  /// As /proc/cpuinfo names it.
  package var name: String
  package var leaf: UInt32
  package var subleaf: UInt32
  package var register: Register
  package var bit: UInt32

  package enum Register: Sendable { case eax, ebx, ecx, edx }

  /// All of one register, by their bits.
  private static func features(
    _ leaf: UInt32, _ subleaf: UInt32, _ register: Register, _ names: KeyValuePairs<UInt32, String>
  ) -> [ProcessorFeature] {
    names.map { ProcessorFeature(name: $0.value, leaf: leaf, subleaf: subleaf, register: register, bit: $0.key) }
  }

  /// rdrand, rdseed and rdpid are answered by rrs.
  package static let all: [ProcessorFeature] =
    features(
      1, 0, .ecx,
      [
        0: "pni", 1: "pclmulqdq", 9: "ssse3", 12: "fma", 13: "cx16", 19: "sse4_1", 20: "sse4_2", 22: "movbe",
        23: "popcnt", 25: "aes", 26: "xsave", 28: "avx", 29: "f16c",
      ])
    + features(1, 0, .edx, [23: "mmx", 24: "fxsr", 25: "sse", 26: "sse2"])
    + features(
      7, 0, .ebx,
      [
        0: "fsgsbase", 3: "bmi1", 5: "avx2", 8: "bmi2", 11: "rtm", 16: "avx512f", 17: "avx512dq", 19: "adx",
        21: "avx512ifma", 23: "clflushopt", 24: "clwb", 28: "avx512cd", 29: "sha_ni", 30: "avx512bw", 31: "avx512vl",
      ])
    + features(
      7, 0, .ecx,
      [
        1: "avx512vbmi", 5: "waitpkg", 6: "avx512_vbmi2", 8: "gfni", 9: "vaes", 10: "vpclmulqdq", 11: "avx512_vnni",
        12: "avx512_bitalg", 14: "avx512_vpopcntdq", 25: "cldemote", 27: "movdiri", 28: "movdir64b",
      ])
    + features(
      7, 0, .edx,
      [
        2: "avx512_4vnniw", 3: "avx512_4fmaps", 8: "avx512_vp2intersect", 14: "serialize", 22: "amx_bf16",
        23: "avx512_fp16", 24: "amx_tile", 25: "amx_int8",
      ])
    + features(
      7, 1, .eax,
      [
        0: "sha512", 1: "sm3", 2: "sm4", 4: "avx_vnni", 5: "avx512_bf16", 7: "cmpccxadd", 21: "amx_fp16",
        23: "avx_ifma",
      ])
    + features(
      7, 1, .edx,
      [4: "avx_vnni_int8", 5: "avx_ne_convert", 8: "amx_complex", 10: "avx_vnni_int16", 19: "avx10"])
    + features(0xD, 1, .eax, [0: "xsaveopt", 1: "xsavec"])
    + features(
      0x8000_0001, 0, .ecx,
      [0: "lahf_lm", 5: "abm", 6: "sse4a", 8: "3dnowprefetch", 11: "xop", 16: "fma4", 21: "tbm"])
    + features(0x8000_0008, 0, .ebx, [0: "clzero", 4: "rdpru"])
}

extension CPUIDTable {
  package func has(_ feature: ProcessorFeature) -> Bool {
    guard let record = record(feature.leaf, feature.subleaf) else { return false }
    let value =
      switch feature.register {
      case .eax: record.eax
      case .ebx: record.ebx
      case .ecx: record.ecx
      case .edx: record.edx
      }
    return value >> feature.bit & 1 != 0
  }

  /// The features of this table that another one lacks.
  package func features(notIn other: CPUIDTable) -> [ProcessorFeature] {
    ProcessorFeature.all.filter { has($0) && !other.has($0) }
  }
}
