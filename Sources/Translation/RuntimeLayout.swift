/// The memory that translated code shares with the tracer, at the same addresses in every address space, so that
/// translations hold no address that is particular to a process.
///
///     0x7020_0000  data page: tick counters, target of the indirect transfer under way; last of all the spill slot
///     0x7020_1000  hole: nothing may be mapped here up to 0x7028_1000
///     0x7010_0000  landing table, 512 KiB
///
/// All of it lies below 2 GiB, where a 32-bit absolute operand reaches it from any cache.
package enum RuntimeLayout {
  package static let dataPageAddress: UInt64 = 0x7020_0000
  package static let dataPageByteCount = 4096

  /// The counters of the ticks left: translated code stops when one reaches zero. See `TickCounters`.
  static let tickCountersOffset = 64
  /// Each has a cache line.
  static let tickCounterDistance = 64
  /// The application address that an indirect transfer goes to.
  package static let transferTargetOffset = 8
  /// The place in the cache of the indirect transfer under way, as a `CachePosition`.
  package static let transferSourceOffset = 16
  /// Where the routine that answers cpuid goes on.
  static let identityReturnOffset = 24
  /// The application's value of a register that an expansion uses for itself. It is the page's last word: a landing
  /// reads at a distance of eight times the upper 16 bits of the transfer's target, which hits the hole and faults
  /// for a target that isn't a canonical address.
  package static let spillOffset = 4096 - 8

  /// What a breakpoint's condition saves, and its stack.
  static let conditionOffset = 1024

  static func tickCounter(_ number: Int) -> UInt32 {
    UInt32(dataPageAddress) + UInt32(tickCountersOffset + tickCounterDistance * number)
  }
  static let transferTarget = UInt32(dataPageAddress) + UInt32(transferTargetOffset)
  static let transferSource = UInt32(dataPageAddress) + UInt32(transferSourceOffset)
  static let identityReturn = UInt32(dataPageAddress) + UInt32(identityReturnOffset)
  static let spill = UInt32(dataPageAddress) + UInt32(spillOffset)

  package static let holeAddress: UInt64 = 0x7020_1000
  package static let holeByteCount: UInt64 = 0x8_0000

  package static let landingTableAddress: UInt64 = 0x7010_0000
  package static let landingTableEntryCount = 0x1_0000
  package static let landingTableByteCount = landingTableEntryCount * 8
}
