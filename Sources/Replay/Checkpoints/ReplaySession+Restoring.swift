import CLinuxShim
import Execution
import KernelABI
package import TraceFormat
import TraceeControl

// A session from a persistent checkpoint: new processes, made as the saved ones were.
extension ReplaySession {
  /// A second session where the checkpoint was saved, beside this one. Both share the trace's reader: `takeReader`
  /// makes it one session's.
  package func restored(_ checkpoint: SavedCheckpoint, _ pages: PageStoreReader) throws -> ReplaySession {
    let session = ReplaySession(
      options: options, reader: reader, engine: engine, files: ReplayFiles(reader: reader, force: options.force))
    session.eventCount = checkpoint.place.event
    session.rootTid = checkpoint.place.rootTid
    session.isVisible = false
    do {
      try session.files.restore(checkpoint.files, pages)
      try session.makeTracees(checkpoint, pages)
    } catch {
      session.killAll()
      throw error
    }
    return session
  }

  private func makeTracees(_ checkpoint: SavedCheckpoint, _ pages: PageStoreReader) throws {
    let records = try RecordLookup(reader, checkpoint)
    var firstOfSpace: [Int: ReplayTracee] = [:]
    var firstOfGroup: [Tid: ReplayTracee] = [:]
    // Leaders first, as for copies.
    let order = checkpoint.tracees.sorted {
      ($0.tid == $0.threadGroup ? 0 : 1, $0.tid) < ($1.tid == $1.threadGroup ? 0 : 1, $1.tid)
    }
    for saved in order {
      let tracee: ReplayTracee
      if let creator = firstOfGroup[saved.threadGroup] ?? firstOfSpace[saved.space] {
        tracee = try clone(creator, saved, group: firstOfGroup[saved.threadGroup]?.tracee.threadGroup)
      } else {
        tracee = try spawn(saved.tid, group: saved.threadGroup)
        tracees[saved.tid] = tracee
        try emptyImage(tracee.tracee)
        try fill(tracee.tracee, checkpoint.spaces[saved.space], pages, records)
        try engine.didStartImage(tracee.tracee)
      }
      tracees[saved.tid] = tracee
      if firstOfSpace[saved.space] == nil { firstOfSpace[saved.space] = tracee }
      if firstOfGroup[saved.threadGroup] == nil { firstOfGroup[saved.threadGroup] = tracee }
    }
    for saved in order {
      guard let tracee = tracees[saved.tid] else { continue }
      setRegisters(tracee, saved.registers)
      if !saved.extendedState.isEmpty { try Ptrace.setExtendedState(tracee.tracee.tid, saved.extendedState) }
      engine.didRestore(tracee.tracee, ticks: saved.ticks)
      tracee.condition = saved.condition
      tracee.name = saved.name
    }
  }

  private func clone(_ creator: ReplayTracee, _ saved: SavedTracee, group: ThreadGroup?) throws -> ReplayTracee {
    var flags = CloneFlag.vm
    if group != nil { flags |= CloneFlag.fs | CloneFlag.files | CloneFlag.sighand | CloneFlag.thread }
    let result = try creator.tracee.checkedRemoteCall("make a thread", SyscallNumber.clone, flags, 0, 0, 0, 0)
    let tid = Tid(Int32(truncatingIfNeeded: result))
    let tracee = ReplayTracee(
      Tracee(
        tid: tid, recordedTid: saved.tid, addressSpace: creator.tracee.addressSpace,
        threadGroup: group ?? ThreadGroup(id: tid, recordedID: saved.threadGroup)))
    _ = try tracee.tracee.wait()
    try engine.didClone(parent: creator.tracee, child: tracee.tracee)
    return tracee
  }

  // MARK: - Memory

  private func fill(
    _ tracee: Tracee, _ space: SavedSpace, _ pages: PageStoreReader, _ records: RecordLookup
  ) throws {
    tracee.addressSpace.programBreak = space.programBreak
    ResourceLimits.setStack(tracee.tid, space.stackLimit)
    let source = SavedMemory(space, pages)
    var absent = AbsentMemory(source: source)
    var calls = RemoteCalls()
    var temporary: [Int32] = []
    defer { for descriptor in temporary { _ = rrs_close(descriptor) } }
    func makeRoom() throws {
      guard calls.isFull else { return }
      try tracee.perform(calls)
      calls = RemoteCalls()
    }
    var present: [SavedRegion] = []
    for region in space.regions {
      try makeRoom()
      let backing = try backing(of: region, records)
      if let backing, backing.isTemporary { temporary.append(backing.descriptor) }
      addMapping(region, backing, to: &calls)
      for (attribute, advice) in [(RegionAttributes.dontFork, UInt64(10)), (.wipeOnFork, 18)]
      where region.attributes.contains(attribute) {
        try makeRoom()
        calls.add(
          "advise", SyscallNumber.madvise, .value(region.range.start.rawValue), .value(region.range.byteCount),
          .value(advice))
      }
      guard let ranges = region.absentRanges else {
        present.append(region)
        continue
      }
      for range in ranges {
        try makeRoom()
        calls.add(
          "protect absent memory", SyscallNumber.mprotect, .value(range.start.rawValue), .value(range.byteCount), 0)
        absent.add(range, protection: region.protection)
      }
    }
    try tracee.perform(calls)
    for region in present {
      try source.read(region.range) { address, bytes in
        guard tracee.write(address, bytes) else {
          throw ReplayError.internalError("a checkpoint's memory at \(address) can't be written")
        }
      }
    }
    if !absent.isEmpty { tracee.addressSpace.absent = absent }
  }

  private func backing(of region: SavedRegion, _ records: RecordLookup) throws -> ReplayFiles.Backing? {
    switch region.source {
    case .anonymous:
      return nil
    case .record(let event, let start):
      guard let record = records.record(event: event, start: start), var backing = try files.backing(record) else {
        throw ReplayError.unusableTrace("event \(event) has no mapping at \(RemotePointer(start))")
      }
      backing.offset = region.fileOffset
      return backing
    case .shared(let device, let inode):
      guard let descriptor = files.sharedDescriptor(device: device, inode: inode) else {
        throw ReplayError.unusableTrace("the checkpoint lacks the memory of a shared file (inode \(inode))")
      }
      return ReplayFiles.Backing(descriptor: descriptor, offset: region.fileOffset, isShared: true)
    }
  }

  private func addMapping(_ region: SavedRegion, _ backing: ReplayFiles.Backing?, to calls: inout RemoteCalls) {
    var flags = MapFlag.fixed
    if region.attributes.contains(.noReserve) { flags |= MapFlag.noReserve }
    if region.attributes.contains(.growsDown), backing == nil { flags |= MapFlag.growsDown }
    flags |= backing?.isShared ?? false ? MapFlag.shared : MapFlag.private
    if backing == nil { flags |= MapFlag.anonymous }
    let descriptor = backing.map { calls.open(tracerDescriptor: $0.descriptor, writable: $0.isShared) }
    calls.add(
      "map \(region.range)", SyscallNumber.mmap, .value(region.range.start.rawValue),
      .value(region.range.byteCount), .value(UInt64(UInt32(bitPattern: region.protection))), .value(UInt64(flags)),
      descriptor.map { .result($0) } ?? .value(UInt64.max), .value(backing?.offset ?? 0))
    if let descriptor { calls.close(descriptor) }
  }
}

extension SavedRegion {
  /// More pieces than this aren't kept apart: each takes a mapping of the kernel's (vm.max_map_count).
  private static let absentRangeCountMax = 2048

  /// The parts that can be brought in when they are touched. Nil: all is to be there at once. The engine reads code
  /// without asking, and a stack grows only where it is mapped as one.
  fileprivate var absentRanges: [RemoteRange]? {
    let executable: Int32 = 4
    guard source == .anonymous, protection & executable == 0, !attributes.contains(.growsDown), !pages.isEmpty else {
      return nil
    }
    let cell = AbsentMemory.cellByteCount
    var ranges: [RemoteRange] = []
    for run in pages.runs {
      let start = max(run.first * pageSize / cell * cell, range.start.rawValue)
      let end = min(((run.first + run.count) * pageSize + cell - 1) / cell * cell, range.end.rawValue)
      if let last = ranges.last, last.end.rawValue >= start {
        ranges[ranges.count - 1].end = max(last.end, RemotePointer(end))
      } else {
        ranges.append(RemoteRange(RemotePointer(start), RemotePointer(end)))
      }
      if ranges.count > Self.absentRangeCountMax { return nil }
    }
    return ranges
  }
}

/// The pages of a checkpoint's address space.
private final class SavedMemory: AbsentMemorySource {
  private let space: SavedSpace
  private let pages: PageStoreReader

  init(_ space: SavedSpace, _ pages: PageStoreReader) {
    self.space = space
    self.pages = pages
  }

  func read(_ range: RemoteRange, _ body: (RemotePointer, UnsafeRawBufferPointer) throws -> Void) throws {
    var low = 0, high = space.regions.count
    while low < high {
      let middle = (low + high) / 2
      if space.regions[middle].range.end <= range.start { low = middle + 1 } else { high = middle }
    }
    while low < space.regions.count, space.regions[low].range.start < range.end {
      try space.regions[low].pages.forEach(
        in: range.start.rawValue / pageSize..<range.end.pageEnd.rawValue / pageSize
      ) { page, place in
        try body(RemotePointer(page * pageSize), try pages.page(place))
      }
      low += 1
    }
  }
}

/// The mapping records that a checkpoint refers to.
private struct RecordLookup {
  private struct Key: Hashable {
    var event: UInt64
    var start: UInt64
  }

  private var records: [Key: MappingRecord] = [:]

  init(_ reader: TraceReader, _ checkpoint: SavedCheckpoint) throws {
    var wanted: Set<Key> = []
    for space in checkpoint.spaces {
      for region in space.regions {
        if case .record(let event, let start) = region.source { wanted.insert(Key(event: event, start: start)) }
      }
    }
    let cursor = reader.mappingCursor()
    while records.count < wanted.count, let record = try cursor.next() {
      let key = Key(event: record.event, start: record.range.start.rawValue)
      if wanted.contains(key) { records[key] = record }
    }
  }

  func record(event: UInt64, start: UInt64) -> MappingRecord? { records[Key(event: event, start: start)] }
}
