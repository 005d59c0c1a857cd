import CLinuxShim
import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// Mappings, made where and as they were recorded.
extension ReplaySession {
  /// All mappings that an event made.
  func makeMappings(_ tracee: ReplayTracee, _ event: TraceEvent) throws {
    try makeMappings(tracee.tracee, try reader.mappings(forEvent: event.number))
  }

  private func makeMappings(_ tracee: Tracee, _ records: [MappingRecord]) throws {
    for record in records { try tracee.forgetAbsent(record.range) }
    var calls = RemoteCalls()
    var temporary: [Int32] = []
    defer { for descriptor in temporary { _ = rrs_close(descriptor) } }
    for record in records {
      if calls.isFull {
        try tracee.perform(calls)
        calls = RemoteCalls()
      }
      if let backing = try addMapping(record, to: &calls), backing.isTemporary { temporary.append(backing.descriptor) }
    }
    try tracee.perform(calls)
    for record in records {
      if record.name == "[stack]", record.fileSize > 0 { ResourceLimits.setStack(tracee.tid, record.fileSize) }
      try engine.didChangeMapping(tracee, record.range, protection: record.protection)
    }
  }

  private func addMapping(_ record: MappingRecord, to calls: inout RemoteCalls) throws -> ReplayFiles.Backing? {
    let backing = try files.backing(record)
    // They make no other memory, but are kept as recorded.
    let kept = MapFlag.growsDown | MapFlag.noReserve | MapFlag.stack
    var flags = MapFlag.fixed | (record.flags & kept)
    var descriptor: Int?
    if let backing {
      flags |= backing.isShared ? MapFlag.shared : MapFlag.private
      flags &= ~MapFlag.growsDown
      descriptor = calls.open(tracerDescriptor: backing.descriptor, writable: backing.isShared)
    } else {
      flags |= MapFlag.private | MapFlag.anonymous
    }
    calls.add(
      "map \(record.range) (\(record.name))", SyscallNumber.mmap, .value(record.range.start.rawValue),
      .value(record.range.byteCount), .value(UInt64(UInt32(bitPattern: record.protection))), .value(UInt64(flags)),
      descriptor.map { .result($0) } ?? .value(UInt64.max), .value(backing?.offset ?? 0))
    if let descriptor { calls.close(descriptor) }
    return backing
  }

  func replayRemap(_ tracee: ReplayTracee, _ event: TraceEvent, _ recorded: Registers) throws {
    let old = recorded.argument(0), oldSize = recorded.argument(1), newSize = recorded.argument(2)
    let new = recorded.rax
    let mayMove: UInt64 = 1, fixed: UInt64 = 2, dontUnmap: UInt64 = 4
    let records = try reader.mappings(forEvent: event.number)
    // A shared file that grew must have its bytes before the mapping shows them.
    for record in records where record.flags & MapFlag.typeMask != MapFlag.private { _ = try files.backing(record) }
    try tracee.tracee.bringIn(RemoteRange(RemotePointer(old), byteCount: RemotePointer(oldSize).pageEnd.rawValue))
    if new != old { try tracee.tracee.forgetAbsent(RemoteRange(RemotePointer(new), byteCount: newSize)) }
    let flags = new == old ? 0 : mayMove | fixed | (recorded.argument(3) & dontUnmap)
    _ = try tracee.tracee.checkedRemoteCall("mremap", SyscallNumber.mremap, old, oldSize, newSize, flags, new)
    try engine.didChangeMapping(
      tracee.tracee, RemoteRange(RemotePointer(old), byteCount: RemotePointer(oldSize).pageEnd.rawValue),
      protection: 0)
    try engine.didChangeMapping(
      tracee.tracee, RemoteRange(RemotePointer(new), byteCount: newSize), protection: 7)
    try makeMappings(tracee.tracee, records.filter { $0.flags & MapFlag.typeMask == MapFlag.private })
  }

  func replayProgramBreak(_ tracee: ReplayTracee, _ event: TraceEvent, _ recorded: Registers) throws {
    let space = tracee.tracee.addressSpace
    let old = space.programBreak, new = RemotePointer(recorded.rax)
    space.programBreak = new
    if !old.isNull, new.pageEnd < old.pageEnd {
      try tracee.tracee.forgetAbsent(RemoteRange(new.pageEnd, old.pageEnd))
      _ = try tracee.tracee.checkedRemoteCall(
        "munmap", SyscallNumber.munmap, new.pageEnd.rawValue, old.pageEnd - new.pageEnd)
    } else {
      try makeMappings(tracee, event)
    }
  }

  /// madvise(2): only the advice that changes what memory holds, or what a fork copies.
  func replayAdvise(_ tracee: ReplayTracee, _ recorded: Registers) throws {
    let dontNeed: UInt64 = 4, free: UInt64 = 8
    let effective: Set<UInt64> = [
      4 /* DONTNEED */, 8 /* FREE */, 9 /* REMOVE */, 10 /* DONTFORK */, 11 /* DOFORK */, 18 /* WIPEONFORK */,
      19 /* KEEPONFORK */, 24 /* DONTNEED_LOCKED */, 102 /* GUARD_INSTALL */, 103, /* GUARD_REMOVE */
    ]
    let advice = recorded.argument(2)
    guard recorded.syscallNumber == SyscallNumber.madvise, effective.contains(advice) else { return }
    try tracee.tracee.bringIn(RemoteRange(RemotePointer(recorded.argument(0)), byteCount: recorded.argument(1)))
    _ = try tracee.tracee.checkedRemoteCall(
      "madvise", SyscallNumber.madvise, recorded.argument(0), recorded.argument(1), advice == free ? dontNeed : advice)
    engine.didWriteMemory(
      tracee.tracee, RemoteRange(RemotePointer(recorded.argument(0)), byteCount: recorded.argument(1)))
  }

  /// shmdt(2) names the start alone: all of the segment's mapping goes.
  func replayDetach(_ tracee: ReplayTracee, _ start: RemotePointer) throws {
    let maps = ProcessMaps.read(tracee.tracee.tid)
    guard let first = maps.first(where: { $0.range.start == start }) else { return }
    for mapping in maps where mapping.inode == first.inode && mapping.range.start >= start
      && mapping.range.start - start == mapping.fileOffset - first.fileOffset
    {
      _ = try tracee.tracee.checkedRemoteCall(
        "munmap", SyscallNumber.munmap, mapping.range.start.rawValue, mapping.range.byteCount)
    }
  }
}
