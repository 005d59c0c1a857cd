import KernelABI
import TraceeControl

// Memory that is watched by the protection of its pages. To the program, and to what compares memory, they are as
// the program protected them: that is what `AddressSpace.writeProtected` is for.
extension SoftwareSpace {
  /// Watches these pages and no others. Those that aren't mapped are left out, until they are.
  func watch(_ wanted: [UInt64: Bool], _ tracee: Tracee) throws {
    if wanted.isEmpty && watchedPages.isEmpty { return }
    for (page, known) in watchedPages where wanted[page] != known.reads {
      try liftWatch(page, tracee)
      forgetWatch(page)
    }
    let new = wanted.keys.filter { watchedPages[$0] == nil }
    guard !new.isEmpty else { return }
    let mappings = ProcessMaps.read(tracee.tid)
    for page in new {
      guard let mapping = mappings.first(where: { $0.range.contains(RemotePointer(page)) }) else { continue }
      let protection = tracee.addressSpace.writeProtected[page] ?? mapping.protection
      noteWatch(page, reads: wanted[page] ?? false, protection)
      try watchAgain([page], tracee)
    }
  }

  /// Gives a page its own protection, until `watchAgain`.
  func liftWatch(_ page: UInt64, _ tracee: Tracee) throws {
    guard let watched = watchedPages[page] else { return }
    tracee.addressSpace.writeProtected[page] = nil
    try protectWatched(page, watched.protection, tracee)
  }

  func watchAgain(_ pages: [UInt64], _ tracee: Tracee) throws {
    let write: Int32 = 2
    for page in pages {
      guard let watched = watchedPages[page] else { continue }
      tracee.addressSpace.writeProtected[page] = watched.protection
      try protectWatched(page, watched.reads ? 0 : watched.protection & ~write, tracee)
    }
  }

  private func protectWatched(_ page: UInt64, _ protection: Int32, _ tracee: Tracee) throws {
    _ = try tracee.checkedRemoteCall(
      "protect a watched page", SyscallNumber.mprotect, page, pageSize, UInt64(UInt32(bitPattern: protection)))
  }
}
