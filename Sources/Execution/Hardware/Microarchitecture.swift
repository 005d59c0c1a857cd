/// A kind of processor whose counter of retired conditional branches is known to be exact, and how late its interrupts
/// come. docs/engines.md says how to add one.
package struct Microarchitecture: Equatable, Sendable {
  package var name: String
  /// perf_event_open(2)'s `config` for PERF_TYPE_RAW: event and unit mask, and the bits for user mode, interrupt and
  /// enable, which the kernel sets by itself.
  package var event: UInt64
  /// In ticks.
  package var skidMax: UInt64
  package var quirks: Quirks = []

  package struct Quirks: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Locked instructions are executed speculatively (SpecLockMap), and a branch behind one may count twice. Bit 54 of
    /// MSR 0xc0011020 turns that off.
    package static let speculativeLocks = Quirks(rawValue: 1)
    /// Efficiency cores count another event: the program has to stay on the others.
    package static let hybrid = Quirks(rawValue: 2)
    /// Counts go on in system-management mode unless /sys/devices/cpu/freeze_on_smi is 1.
    package static let countsInManagementMode = Quirks(rawValue: 4)
  }

  /// BR_INST_RETIRED.CONDITIONAL; from Ice Lake on it is BR_INST_RETIRED.COND, with another unit mask (Intel SDM
  /// volume 3, chapter 20; perfmon's event lists).
  private static let intelConditional: UInt64 = 0x51_01c4
  private static let intelCond: UInt64 = 0x51_11c4
  private static let intelAtom: UInt64 = 0x51_7ec4
  /// PMCx0D1, Retired Conditional Branch Instructions (AMD's Processor Programming References).
  private static let amdConditional: UInt64 = 0x51_00d1

  /// The processor that cpuid describes: leaf 0's vendor and leaf 1's eax. Nil: it isn't known.
  package static func identify(vendor: String, signature: UInt32) -> Microarchitecture? {
    let family = (signature >> 8 & 0xf) + (signature >> 8 & 0xf == 0xf ? signature >> 20 & 0xff : 0)
    let model = signature >> 4 & 0xf | signature >> 12 & 0xf0
    switch vendor {
    case "GenuineIntel": return family == 6 ? intel(model: model) : nil
    case "AuthenticAMD": return amd(family: family)
    default: return nil
    }
  }

  private static func amd(family: UInt32) -> Microarchitecture? {
    let names: [UInt32: String] = [0x17: "AMD Zen or Zen 2", 0x19: "AMD Zen 3 or Zen 4", 0x1a: "AMD Zen 5"]
    return names[family].map { .init(name: $0, event: amdConditional, skidMax: 10_000, quirks: .speculativeLocks) }
  }

  private static func intel(model: UInt32) -> Microarchitecture? {
    switch model {
    case 0x1a, 0x1e, 0x2e: .init(name: "Intel Nehalem", event: intelConditional, skidMax: 100)
    case 0x25, 0x2c, 0x2f: .init(name: "Intel Westmere", event: intelConditional, skidMax: 100)
    case 0x2a, 0x2d: .init(name: "Intel Sandy Bridge", event: intelConditional, skidMax: 100)
    case 0x3a, 0x3e: .init(name: "Intel Ivy Bridge", event: intelConditional, skidMax: 100)
    case 0x3c, 0x3f, 0x45, 0x46: .init(name: "Intel Haswell", event: intelConditional, skidMax: 100)
    case 0x3d, 0x47, 0x4f, 0x56: .init(name: "Intel Broadwell", event: intelConditional, skidMax: 100)
    case 0x4e, 0x55, 0x5e: .init(name: "Intel Skylake", event: intelConditional, skidMax: 100)
    case 0x8e, 0x9e: .init(name: "Intel Kaby Lake or Coffee Lake", event: intelConditional, skidMax: 100)
    case 0xa5, 0xa6:
      .init(name: "Intel Comet Lake", event: intelConditional, skidMax: 100, quirks: .countsInManagementMode)
    case 0x37, 0x4c, 0x57: .init(name: "Intel Silvermont", event: intelAtom, skidMax: 100)
    case 0x5c, 0x5f, 0x7a: .init(name: "Intel Goldmont", event: intelAtom, skidMax: 100)
    case 0x9c: .init(name: "Intel Tremont", event: intelAtom, skidMax: 100)
    case 0x6a, 0x7e, 0x86:
      .init(name: "Intel Ice Lake", event: intelCond, skidMax: 100, quirks: .countsInManagementMode)
    case 0x8c, 0x8d: .init(name: "Intel Tiger Lake", event: intelCond, skidMax: 100, quirks: .countsInManagementMode)
    case 0xa7: .init(name: "Intel Rocket Lake", event: intelCond, skidMax: 100, quirks: .countsInManagementMode)
    case 0x8f: server("Intel Sapphire Rapids")
    case 0xcf: server("Intel Emerald Rapids")
    case 0x97, 0x9a: client("Intel Alder Lake")
    case 0xb7, 0xba, 0xbf: client("Intel Raptor Lake")
    case 0xaa: client("Intel Meteor Lake")
    case 0xbd: client("Intel Lunar Lake")
    case 0xc6: client("Intel Arrow Lake")
    default: nil
    }
  }

  private static func server(_ name: String) -> Microarchitecture {
    .init(name: name, event: intelCond, skidMax: 125, quirks: .countsInManagementMode)
  }

  private static func client(_ name: String) -> Microarchitecture {
    .init(name: name, event: intelCond, skidMax: 125, quirks: [.hybrid, .countsInManagementMode])
  }
}
