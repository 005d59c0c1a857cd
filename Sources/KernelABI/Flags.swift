/// MAP_* of mmap(2).
package enum MapFlag {
  package static let shared: Int32 = 1
  package static let `private`: Int32 = 2
  /// The bits that say shared or private.
  package static let typeMask: Int32 = 0xf
  package static let fixed: Int32 = 0x10
  package static let anonymous: Int32 = 0x20
  package static let growsDown: Int32 = 0x100
  package static let noReserve: Int32 = 0x4000
  package static let stack: Int32 = 0x2_0000
}

/// CLONE_* of clone(2).
package enum CloneFlag {
  package static let vm: UInt64 = 0x100
  package static let fs: UInt64 = 0x200
  package static let files: UInt64 = 0x400
  package static let sighand: UInt64 = 0x800
  package static let pidfd: UInt64 = 0x1000
  package static let vfork: UInt64 = 0x4000
  package static let thread: UInt64 = 0x1_0000
  package static let parentSetTid: UInt64 = 0x10_0000
  package static let childClearTid: UInt64 = 0x20_0000
  package static let untraced: UInt64 = 0x80_0000
  package static let childSetTid: UInt64 = 0x100_0000
}
