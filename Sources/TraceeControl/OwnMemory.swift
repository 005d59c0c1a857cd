package import KernelABI

/// What of a tracee's memory is rrs's own: mappings at addresses that no program asks for, and that the kernel gives to
/// none.
package enum OwnMemory {
  /// The code caches' zones. The first holds code below 2 GiB and all that is far from the others; the second lies
  /// below position-independent executables, which start at 0x5555_5555_4000 without address randomisation; the third
  /// between the stack and the area that mmap(2) gives out from above, which are at least 128 MiB apart
  /// (arch/x86/mm/mmap.c).
  package static let lowZone: UInt64 = 0x7040_0000
  package static let executableZone: UInt64 = 0x5555_4000_0000
  package static let libraryZone: UInt64 = 0x7fff_f900_0000
  package static let zoneByteCount = 1 << 26

  /// The data page, the hole behind it, and the landing table of translated code.
  private static let runtime = RemoteRange(RemotePointer(0x7010_0000), RemotePointer(0x7030_0000))

  private static let ranges: [RemoteRange] =
    [Gadget.range, Gadget.scratchRange, runtime]
    + [lowZone, executableZone, libraryZone].map { RemoteRange(RemotePointer($0), byteCount: UInt64(zoneByteCount)) }

  package static func owns(_ range: RemoteRange) -> Bool { ranges.contains { $0.overlaps(range) } }

  /// The zone for code at `address`, from anywhere in which a 32-bit distance reaches it and some way beyond.
  package static func zone(near address: UInt64) -> UInt64? {
    let reach: UInt64 = 0x7000_0000
    return [executableZone, libraryZone].first { zone in
      let distance = zone > address ? zone - address : address - zone
      return distance < reach
    }
  }
}
