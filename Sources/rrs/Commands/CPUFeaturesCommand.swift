import ArgumentParser
import CLinuxShim

/// `rrs cpufeatures`
struct CPUFeaturesCommand: Verb {
  static let form = VerbForm(name: "cpufeatures", options: [])

  static let configuration = VerbForm.configuration(
    "cpufeatures", abstract: "Print what this processor lacks, as options for recording elsewhere.",
    discussion: """
      The masks hold the bits that this processor doesn't have: 'rrs record' with these options, on another \
      machine, makes a recording that uses nothing else. They have rr's form.
      """)

  func run() throws {
    let basic = Self.cpuid(1, 0)
    let extended = Self.cpuid(7, 0)
    let xsave = Self.cpuid(0xd, 1)
    let masks = [
      ("--disable-cpuid-features", [~basic.ecx, ~basic.edx]),
      ("--disable-cpuid-features-ext", [~extended.ebx, ~extended.ecx, ~extended.edx]),
      ("--disable-cpuid-features-xsave", [~xsave.eax]),
    ]
    let options = masks.map { name, values in
      name + " " + values.map { TextFormat.hex(UInt64($0)) }.joined(separator: ",")
    }
    var output = StandardOutput()
    output.print(options.joined(separator: " "))
  }

  private static func cpuid(_ leaf: UInt32, _ subleaf: UInt32) -> (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    var result: [UInt32] = [0, 0, 0, 0]
    rrs_cpuid(leaf, subleaf, &result)
    return (result[0], result[1], result[2], result[3])
  }
}
