import ArgumentParser
import TraceFormat

/// Which of the processor's features the recorded program is told of.
struct ProcessorOptions: ParsableArguments {
  @Option(
    name: .customLong("cpu"),
    help: ArgumentHelp(
      "Hide all features beyond one of the levels that the x86-64 ABI defines.", valueName: "x86-64|v2|v3|v4"),
    transform: ProcessorOptions.level)
  var level: ProcessorLevel?

  @Option(
    name: .customLong("disable-cpuid-features"),
    help: ArgumentHelp("Hide features: bits of ecx and edx of cpuid's leaf 1.", valueName: "CCC[,DDD]"),
    transform: { try ProcessorOptions.bits($0, countMax: 2) })
  var basic: [UInt32] = []

  @Option(
    name: .customLong("disable-cpuid-features-ext"),
    help: ArgumentHelp("Hide features: bits of ebx, ecx and edx of leaf 7.", valueName: "BBB[,CCC[,DDD]]"),
    transform: { try ProcessorOptions.bits($0, countMax: 3) })
  var extended: [UInt32] = []

  @Option(
    name: .customLong("disable-cpuid-features-xsave"),
    help: ArgumentHelp("Hide features: bits of eax of leaf 0xd, subleaf 1.", valueName: "AAA"),
    transform: { try ProcessorOptions.bits($0, countMax: 1) })
  var xsave: [UInt32] = []

  @Flag(name: .customLong("disable-avx-512"), help: "Hide AVX-512.")
  var disableAVX512 = false

  static let forms: [OptionForm] = [
    .value("cpu"), .value("disable-cpuid-features"), .value("disable-cpuid-features-ext"),
    .value("disable-cpuid-features-xsave"), .flag("disable-avx-512"),
  ]

  var hiddenFeatures: HiddenFeatures {
    var features = HiddenFeatures()
    (features.basicECX, features.basicEDX) = (basic.bits(0), basic.bits(1))
    (features.extendedEBX, features.extendedECX, features.extendedEDX) =
      (extended.bits(0), extended.bits(1), extended.bits(2))
    features.xsaveEAX = xsave.bits(0)
    features.hidesAVX512 = disableAVX512
    features.level = level
    return features
  }

  private static func level(_ text: String) throws -> ProcessorLevel {
    guard let level = ProcessorLevel(parsing: text) else {
      throw ValidationError("'\(text)' is no level of processors: give x86-64, v2, v3 or v4")
    }
    return level
  }

  /// 32-bit numbers, separated by commas; those with 0x in front are hexadecimal.
  private static func bits(_ text: String, countMax: Int) throws -> [UInt32] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
      part.hasPrefix("0x") ? UInt32(part.dropFirst(2), radix: 16) : UInt32(part)
    }
    guard numbers.count == parts.count, numbers.count <= countMax else {
      let form = countMax == 1 ? "a 32-bit number" : "up to \(countMax) 32-bit numbers separated by commas"
      throw ValidationError("'\(text)' isn't a mask of features: give \(form), such as 0x10")
    }
    return numbers
  }
}

extension [UInt32] {
  /// A mask that isn't given hides nothing.
  fileprivate func bits(_ index: Int) -> UInt32 { index < count ? self[index] : 0 }
}
