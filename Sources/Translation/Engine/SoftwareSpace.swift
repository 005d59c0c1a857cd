import Execution
import KernelABI
import TraceeControl

/// What the software engine knows of one address space.
final class SoftwareSpace: EngineState {
  private(set) var cache: CodeCache
  /// How many of the cache's zones are mapped here; -1: nothing is.
  private var mappedZoneCount = -1
  /// The executable mappings, in address order; nil when they have to be read again.
  private var executable: [ProcessMapping]?
  /// The program's own protection of pages that the engine has protected at some time: /proc may have been read while
  /// they were.
  private var programProtection: [UInt64: Int32] = [:]
  /// Translated pages of shared memory, and where else the same memory is mapped writable: for each such page, the
  /// pages of code that it shows.
  private var sharedCode: Set<UInt64> = []
  private var aliases: [UInt64: Set<UInt64>] = [:]
  /// As of when the pages of `sharedCode` are known to be as they were translated; see `SoftwareEngine.fileVersion`.
  private var checkedVersion: UInt64 = 0
  /// Pages of code that the kernel or the tracer has written to, to be looked at before the program goes on.
  private var writtenPages: Set<UInt64> = []
  /// Pages that a debugger watches: whether reading is watched too, and the protection that the program gave them.
  private(set) var watchedPages: [UInt64: (reads: Bool, protection: Int32)] = [:]
  /// Pages with translations from another process, which this one hasn't mapped so far.
  private var absentPages: Set<UInt64> = []

  init(cache: CodeCache) {
    self.cache = cache
    cache.userCount += 1
  }

  deinit { cache.userCount -= 1 }

  /// For a forked child, whose memory has the cache mapped already.
  func fork() -> SoftwareSpace {
    let copy = SoftwareSpace(cache: cache)
    copy.mappedZoneCount = mappedZoneCount
    copy.executable = executable
    copy.programProtection = programProtection
    copy.sharedCode = sharedCode
    copy.checkedVersion = checkedVersion
    copy.writtenPages = writtenPages
    copy.aliases = aliases
    copy.absentPages = absentPages
    copy.watchedPages = watchedPages
    return copy
  }

  // MARK: - The cache

  func mapCache(in tracee: Tracee) throws {
    guard mappedZoneCount < cache.zoneCount else { return }
    try cache.map(in: tracee, from: mappedZoneCount, replacing: false)
    mappedZoneCount = cache.zoneCount
  }

  /// Translations of its own for this address space, in the place of those that it shares.
  func part(_ tracee: Tracee) throws {
    guard cache.userCount > 1 else { return }
    let own = try CodeCache(copying: cache)
    try mapCache(in: tracee)
    try own.map(in: tracee, from: -1, replacing: true)
    cache.userCount -= 1
    own.userCount += 1
    cache = own
  }

  // MARK: - Code

  func reader(_ tracee: Tracee) -> any CodeReader { Reader(self, tracee) }

  private final class Reader: CodeReader {
    let space: SoftwareSpace
    let tracee: Tracee

    init(_ space: SoftwareSpace, _ tracee: Tracee) {
      self.space = space
      self.tracee = tracee
    }

    func readCode(_ page: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability? {
      guard let mapping = space.executableMapping(page, tracee) else { return nil }
      let buffer = UnsafeMutableRawBufferPointer(rebasing: destination.prefix(Int(pageSize)))
      guard tracee.read(RemotePointer(page), into: buffer) == buffer.count else { return nil }
      space.absentPages.remove(page)
      return space.isWritable(page, mapping) || mapping.isShared ? .changeable : .stable
    }
  }

  private func executableMapping(_ address: UInt64, _ tracee: Tracee) -> ProcessMapping? {
    let pointer = RemotePointer(address)
    let mappings = executableMappings(tracee)
    var low = 0, high = mappings.count
    while low < high {
      let middle = (low + high) / 2
      if mappings[middle].range.end <= pointer { low = middle + 1 } else { high = middle }
    }
    return low < mappings.count && mappings[low].range.contains(pointer) ? mappings[low] : nil
  }

  /// Whether the program can write to a page of `mapping`, as far as it knows.
  private func isWritable(_ page: UInt64, _ mapping: ProcessMapping) -> Bool {
    programProtection[page].map { $0 & 2 != 0 } ?? mapping.isWritable
  }

  func executableMappings(_ tracee: Tracee) -> [ProcessMapping] {
    if let executable { return executable }
    // The gadget's page is among them: the legacy calls are executed there.
    let found = ProcessMaps.read(tracee.tid).filter {
      $0.isExecutable && $0.name != "[vsyscall]"
        && (!OwnMemory.owns($0.range) || $0.range.start == Gadget.address)
    }
    executable = found
    return found
  }

  /// Whether there is code at `address` in this process. Translations that another process made are reached even
  /// where this one has nothing mapped: an error of the program's that must not go unseen.
  func hasCode(_ address: UInt64, _ tracee: Tracee) -> Bool {
    if absentPages.isEmpty && cache.userCount == 1 { return true }
    return executableMapping(address, tracee) != nil
  }

  // MARK: - Protection

  /// Protects the pages that translations were just made from and that can change, so that a change isn't missed.
  func protectNewPages(_ tracee: Tracee) throws {
    let new = cache.translator.takeNewPages().filter { cache.pages[$0]?.isChangeable ?? false }
    guard !new.isEmpty else { return }
    if cache.userCount > 1 {
      let shared = cache
      try part(tracee)
      for page in new { shared.invalidate(page..<(page + pageSize)) }
    }
    for page in new {
      guard let mapping = executableMapping(page, tracee) else { continue }
      if isWritable(page, mapping) { try protect(page, mapping.protection, tracee) }
      if mapping.isShared { try protectAliases(page, mapping, tracee) }
    }
  }

  private func protect(_ page: UInt64, _ mapped: Int32, _ tracee: Tracee) throws {
    guard tracee.addressSpace.writeProtected[page] == nil else { return }
    let protection = programProtection[page] ?? mapped
    _ = try tracee.checkedRemoteCall(
      "protect a page of code", SyscallNumber.mprotect, page, pageSize, UInt64(protection & ~2))
    tracee.addressSpace.writeProtected[page] = protection
    programProtection[page] = protection
  }

  /// Protects the other places of this address space where the memory of a page of code can be written.
  private func protectAliases(_ page: UInt64, _ code: ProcessMapping, _ tracee: Tracee) throws {
    sharedCode.insert(page)
    let offset = code.fileOffset + (page - code.range.start.rawValue)
    for mapping in ProcessMaps.read(tracee.tid) {
      guard mapping.isShared, mapping.device == code.device, mapping.inode == code.inode,
        mapping.fileOffset <= offset, offset < mapping.fileOffset + mapping.range.byteCount
      else { continue }
      let alias = mapping.range.start.rawValue + (offset - mapping.fileOffset)
      guard alias != page, isWritable(alias, mapping) else { continue }
      aliases[alias, default: []].insert(page)
      try protect(alias, mapping.protection, tracee)
    }
  }

  /// The pages of code that a write to `page` changes.
  func codePages(writtenAt page: UInt64) -> [UInt64] { [page] + (aliases[page] ?? []) }

  /// Gives a page of code that is protected by `protectNewPages` its own protection back.
  func unprotect(_ page: UInt64, _ tracee: Tracee) throws {
    guard let protection = tracee.addressSpace.writeProtected.removeValue(forKey: page) else { return }
    _ = try tracee.checkedRemoteCall(
      "unprotect a page of code", SyscallNumber.mprotect, page, pageSize, UInt64(protection))
  }

  /// Takes the protection off the pages that a system call may write to: the kernel would refuse to. Returns whether
  /// there were any.
  func releaseArguments(_ registers: Registers, _ tracee: Tracee) throws -> Bool {
    guard !tracee.addressSpace.writeProtected.isEmpty else { return false }
    let ranges = CallArguments.writable(registers, tracee)
    // What a debugger watches is written to by the tracer: in a replay no call is made.
    let pages = tracee.addressSpace.writeProtected.keys.filter { page in
      watchedPages[page] == nil && ranges.contains { $0.lowerBound < page + pageSize && $0.upperBound > page }
    }
    for page in pages { try unprotect(page, tracee) }
    try drop(pages, tracee)
    return !pages.isEmpty
  }

  func noteWatch(_ page: UInt64, reads: Bool, _ protection: Int32) { watchedPages[page] = (reads, protection) }
  func forgetWatch(_ page: UInt64) { watchedPages[page] = nil }

  // MARK: - Changes

  /// A range of memory was mapped, unmapped or protected otherwise. Drops the translations that this makes wrong.
  func didChangeMapping(_ range: RemoteRange, _ protection: Int32, _ tracee: Tracee) throws {
    let write: Int32 = 2, execute: Int32 = 4
    let bounds = range.start.rawValue..<max(range.start.rawValue, range.end.rawValue)
    noteMapping(range, isExecutable: protection & execute != 0, tracee, bounds)
    try drop(cache.knownPages(in: bounds).filter { isStale($0, tracee) }, tracee)
    if protection & write != 0, !sharedCode.isEmpty {
      // It may be another mapping of this code.
      try drop(Array(sharedCode), tracee)
    }
  }

  /// The kernel or the tracer has written to memory.
  func didWrite(_ range: RemoteRange) {
    guard range.start < range.end else { return }
    writtenPages.formUnion(cache.knownPages(in: range.start.rawValue..<range.end.rawValue))
  }

  private func noteMapping(
    _ range: RemoteRange, isExecutable: Bool, _ tracee: Tracee, _ bounds: Range<UInt64>
  ) {
    let concerns = executable?.contains { $0.range.overlaps(range) } ?? true
    if concerns || isExecutable { executable = nil }
    for page in watchedPages.keys where bounds.contains(page) { watchedPages[page] = nil }
    for page in programProtection.keys where bounds.contains(page) {
      programProtection[page] = nil
      tracee.addressSpace.writeProtected[page] = nil
    }
  }

  /// Whether translations from a page no longer hold. Those from another process, of a page that this one hasn't
  /// mapped so far, wait until it is mapped.
  private func isStale(_ page: UInt64, _ tracee: Tracee) -> Bool {
    guard let mapping = executableMapping(page, tracee) else { return !absentPages.contains(page) }
    if isWritable(page, mapping) || mapping.isShared || cache.pages[page]?.isChangeable ?? true { return true }
    if hasSameBytes(page, tracee) {
      absentPages.remove(page)
      return false
    }
    return true
  }

  private func hasSameBytes(_ page: UInt64, _ tracee: Tracee) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: Int(pageSize), alignment: 16) { buffer in
      guard tracee.read(RemotePointer(page), into: buffer) == buffer.count else { return false }
      return PageSum.of(UnsafeRawBufferPointer(buffer)) == cache.pages[page]?.sum
    }
  }

  /// Drops the translations of code that was written to since: by the kernel or the tracer, and in shared memory by
  /// processes that map it too, or by calls that write to its file.
  func checkWrittenCode(_ version: UInt64, _ tracee: Tracee) throws {
    if !writtenPages.isEmpty {
      let stale = writtenPages.filter { isStale($0, tracee) }
      writtenPages = []
      try drop(Array(stale), tracee)
    }
    guard checkedVersion != version else { return }
    checkedVersion = version
    try drop(sharedCode.filter { cache.pages[$0] != nil && !hasSameBytes($0, tracee) }, tracee)
  }

  func drop(_ pages: [UInt64], _ tracee: Tracee) throws {
    guard !pages.isEmpty else { return }
    try part(tracee)
    for page in pages {
      absentPages.remove(page)
      sharedCode.remove(page)
      cache.invalidate(page..<(page + pageSize))
    }
  }

  /// Takes over translations that another process has made: what isn't the same here is dropped.
  func adopt(_ tracee: Tracee) throws {
    var stale: [UInt64] = []
    for (page, state) in cache.pages {
      guard let mapping = executableMapping(page, tracee) else {
        if state.isChangeable { stale.append(page) } else { absentPages.insert(page) }
        continue
      }
      if state.isChangeable || isWritable(page, mapping) || mapping.isShared || !hasSameBytes(page, tracee) {
        stale.append(page)
      }
    }
    try drop(stale, tracee)
  }

  /// All zones are full: start anew.
  func flush() {
    absentPages.removeAll()
    cache.invalidateAll()
  }
}
