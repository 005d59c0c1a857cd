import Execution
import Testing

/// cpuid's leaf 1 of processors that are around, and the counter that each has.
@Suite struct MicroarchitectureTests {
  struct Example: Sendable {
    var vendor: String
    var signature: UInt32
    var name: String
    var event: UInt64
    var skidMax: UInt64
  }

  static let intel = "GenuineIntel", amd = "AuthenticAMD"

  @Test(arguments: [
    Example(vendor: intel, signature: 0x306c3, name: "Intel Haswell", event: 0x5101c4, skidMax: 100),
    Example(vendor: intel, signature: 0x50654, name: "Intel Skylake", event: 0x5101c4, skidMax: 100),
    Example(vendor: intel, signature: 0x606a6, name: "Intel Ice Lake", event: 0x5111c4, skidMax: 100),
    Example(vendor: intel, signature: 0x906a3, name: "Intel Alder Lake", event: 0x5111c4, skidMax: 125),
    Example(vendor: intel, signature: 0x806f8, name: "Intel Sapphire Rapids", event: 0x5111c4, skidMax: 125),
    Example(vendor: amd, signature: 0x800f12, name: "AMD Zen or Zen 2", event: 0x5100d1, skidMax: 10_000),
    Example(vendor: amd, signature: 0xa20f10, name: "AMD Zen 3 or Zen 4", event: 0x5100d1, skidMax: 10_000),
    Example(vendor: amd, signature: 0xb40f40, name: "AMD Zen 5", event: 0x5100d1, skidMax: 10_000),
  ])
  func knownProcessors(example: Example) throws {
    let found = try #require(Microarchitecture.identify(vendor: example.vendor, signature: example.signature))
    #expect(found.name == example.name && found.event == example.event && found.skidMax == example.skidMax)
    #expect(found.quirks.contains(.speculativeLocks) == (example.vendor == Self.amd))
  }

  @Test func othersAreNotGuessed() {
    #expect(Microarchitecture.identify(vendor: Self.intel, signature: 0xf29) == nil)
    #expect(Microarchitecture.identify(vendor: Self.amd, signature: 0x600f12) == nil)
    #expect(Microarchitecture.identify(vendor: "HygonGenuine", signature: 0x900f01) == nil)
  }
}
