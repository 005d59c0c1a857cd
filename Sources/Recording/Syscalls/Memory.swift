import CLinuxShim
import Execution
import KernelABI
import Syscalls
import SystemPackage
import TraceFormat
import TraceeControl

// Calls that change the address space. The kernel does them in recording; the records here let replay do the same.
extension RecordSession {
  func finishMap(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall, _ registers: Registers
  ) throws {
    let start = RemotePointer(UInt64(bitPattern: registers.syscallResult))
    let flags = Int32(truncatingIfNeeded: call.entry.argument(3))
    let byteCount = RemotePointer(call.entry.argument(1)).pageEnd.rawValue
    var record = MappingRecord(
      event: writer.nextEventNumber, tid: tracee.tracee.recordedTid, range: RemoteRange(start, byteCount: byteCount),
      protection: Int32(truncatingIfNeeded: call.entry.argument(2)), flags: flags, name: "", source: .zero)
    let isShared = flags & MapFlag.typeMask != MapFlag.private
    if flags & MapFlag.anonymous == 0 {
      record.fileOffset = call.entry.argument(5)
      let descriptor = Int32(truncatingIfNeeded: call.entry.argument(4))
      try describeFile(&record, tracee, path: "/proc/\(tracee.tid)/fd/\(descriptor)", isShared: isShared)
    } else if isShared {
      describeAnonymousShared(&record, tracee)
    }
    writer.append(record)
    try engine.didChangeMapping(tracee.tracee, record.range, protection: record.protection)
  }

  /// munmap and mprotect: the kernel did them, and replay makes the same calls.
  func finishMappingChange(_ tracee: RecordTracee, _ call: PendingCall) throws {
    let start = RemotePointer(call.entry.argument(0))
    let range = RemoteRange(start, byteCount: RemotePointer(call.entry.argument(1)).pageEnd.rawValue)
    let isUnmap = call.descriptor.number == SyscallNumber.munmap
    let protection = isUnmap ? 0 : Int32(truncatingIfNeeded: call.entry.argument(2))
    try engine.didChangeMapping(tracee.tracee, range, protection: protection)
  }

  /// Shared anonymous memory is a file without a name: its device and inode tell replay which mappings are one.
  private func describeAnonymousShared(_ record: inout MappingRecord, _ tracee: RecordTracee) {
    sharedMemory.exists = true
    guard
      let mapping = ProcessMaps.read(tracee.tid).first(where: { $0.range.contains(record.range.start) })
    else { return }
    record.device = mapping.device
    record.inode = mapping.inode
    record.fileOffset = mapping.fileOffset + (record.range.start - mapping.range.start)
    record.fileSize = record.fileOffset + record.range.byteCount
  }

  /// A grown mapping of a file shows more of the file: a record for all of it.
  func finishRemap(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall, _ registers: Registers
  ) throws {
    let start = RemotePointer(UInt64(bitPattern: registers.syscallResult))
    let oldSize = call.entry.argument(1), newSize = call.entry.argument(2)
    let old = RemotePointer(call.entry.argument(0))
    try engine.didChangeMapping(
      tracee.tracee, RemoteRange(old, byteCount: RemotePointer(oldSize).pageEnd.rawValue), protection: 0)
    try engine.didChangeMapping(tracee.tracee, RemoteRange(start, byteCount: newSize), protection: 7)
    guard newSize > oldSize, let mapping = ProcessMaps.read(tracee.tid).first(where: { $0.range.contains(start) }),
      mapping.inode != 0
    else { return }
    let grown = (start + oldSize).pageEnd
    guard grown < mapping.range.end else { return }
    var record = MappingRecord(
      event: writer.nextEventNumber, tid: tracee.tracee.recordedTid,
      range: RemoteRange(grown, (start + newSize).pageEnd),
      protection: mapping.protection, flags: mapping.isShared ? MapFlag.shared : MapFlag.private, name: "",
      source: .zero)
    record.fileOffset = mapping.fileOffset + (grown - mapping.range.start)
    if mapping.name.hasPrefix("/dev/zero") || mapping.name.hasPrefix("/SYSV") {
      record.name = mapping.name
      record.device = mapping.device
      record.inode = mapping.inode
      record.fileSize = record.fileOffset + record.range.byteCount
    } else {
      try describeFile(&record, tracee, mapping: mapping)
    }
    writer.append(record)
  }

  func finishProgramBreak(_ tracee: RecordTracee, _ registers: Registers) {
    let new = RemotePointer(registers.rax)
    let old = tracee.addressSpace.programBreak
    if new.pageEnd > old.pageEnd, !old.isNull {
      var record = MappingRecord(
        event: writer.nextEventNumber, tid: tracee.tracee.recordedTid, range: RemoteRange(old.pageEnd, new.pageEnd),
        protection: 3, flags: MapFlag.private | MapFlag.anonymous, name: "[heap]", source: .zero)
      record.fileSize = 0
      writer.append(record)
    }
    tracee.addressSpace.programBreak = new
  }

  /// shmat: the segment is a file without a name, whose bytes the kernel alone has: they are taken from the mapping.
  func finishAttach(_ event: inout TraceEvent, _ tracee: RecordTracee, _ registers: Registers) throws {
    let start = RemotePointer(registers.rax)
    guard let mapping = ProcessMaps.read(tracee.tid).first(where: { $0.range.start == start }) else { return }
    var record = MappingRecord(
      event: writer.nextEventNumber, tid: tracee.tracee.recordedTid, range: mapping.range,
      protection: mapping.protection, flags: MapFlag.shared, name: mapping.name, source: .zero)
    record.device = mapping.device
    record.inode = mapping.inode
    record.fileOffset = mapping.fileOffset
    record.fileSize = mapping.fileOffset + mapping.range.byteCount
    record.source = .data(copyToData(mapping.range.byteCount) { buffer, offset in
      tracee.tracee.read(mapping.range.start + offset, into: buffer)
    })
    sharedMemory.exists = true
    writer.append(record)
    try engine.didChangeMapping(tracee.tracee, mapping.range, protection: mapping.protection)
  }

  // MARK: - Files behind mappings

  func describeFile(_ record: inout MappingRecord, _ tracee: RecordTracee, mapping: ProcessMapping) throws {
    // map_files works for deleted files too, but asks for privilege; the name may be another file by now.
    let candidates = [
      "/proc/\(tracee.tid)/map_files/\(mapping.range.hexName)", "/proc/\(tracee.tid)/exe",
      "/proc/\(tracee.tid)/root\(mapping.name)",
    ]
    for path in candidates {
      if let status = FileStatus(path: path), status.inode == mapping.inode {
        return try describeFile(&record, tracee, path: path, isShared: mapping.isShared)
      }
    }
    // Unreachable: its bytes as the tracee sees them.
    record.name = mapping.name
    record.source = .data(copyToData(mapping.range.byteCount) { buffer, offset in
      tracee.tracee.read(mapping.range.start + offset, into: buffer)
    })
    record.fileSize = record.fileOffset + mapping.range.byteCount
  }

  /// Brings the bytes of a mapped file into the trace. `path` is a link of /proc to the open file.
  private func describeFile(
    _ record: inout MappingRecord, _ tracee: RecordTracee, path: String, isShared: Bool
  ) throws {
    record.name = ProcFS.readLink(path) ?? path
    let descriptor = Int32(rrs_open(path, 0, 0))
    defer { if descriptor >= 0 { _ = rrs_close(descriptor) } }
    guard descriptor >= 0, let status = FileStatus(descriptor: descriptor) else {
      record.source = .data(copyToData(record.range.byteCount) { buffer, offset in
        tracee.tracee.read(record.range.start + offset, into: buffer)
      })
      record.fileSize = record.fileOffset + record.range.byteCount
      return
    }
    record.device = status.device
    record.inode = status.inode
    record.fileSize = status.byteCount
    record.fileModified = status.modified
    record.fileMode = status.mode
    record.fileUserID = status.userID
    record.fileGroupID = status.groupID
    guard status.isRegular else { return try describeDevice(&record, tracee, isShared: isShared) }
    if isShared {
      sharedMemory.insert(device: status.device, inode: status.inode)
      record.source = .data(copyFile(descriptor, record))
    } else if shouldStoreWhole(record) {
      if FilePolicy.policy(record) == .copyOnly { privateFiles.insert(device: status.device, inode: status.inode) }
      do {
        record.source = .traceFile(
          try writer.storeFile(
            descriptor: descriptor, originalPath: record.name, policy: FilePolicy.policy(record)))
      } catch {
        throw RecordError.traceWriteFailed("\(error)")
      }
    } else {
      privateFiles.insert(device: status.device, inode: status.inode)
      record.source = .data(copyFile(descriptor, record))
    }
  }

  /// Private mappings of /dev/zero are anonymous memory; those of other devices are what they showed at first.
  private func describeDevice(_ record: inout MappingRecord, _ tracee: RecordTracee, isShared: Bool) throws {
    if record.name == "/dev/zero" {
      if isShared {
        describeAnonymousShared(&record, tracee)
      } else {
        record.flags |= MapFlag.anonymous
      }
      return
    }
    try note(tracee, "\(record.name) is mapped memory of a device: what it shows later is not recorded")
    record.event = writer.nextEventNumber
    record.flags = MapFlag.private | MapFlag.anonymous
    record.source = .data(copyToData(record.range.byteCount) { buffer, offset in
      tracee.tracee.read(record.range.start + offset, into: buffer)
    })
  }

  /// A small part of a large file is cheaper to copy than the file.
  private func shouldStoreWhole(_ record: MappingRecord) -> Bool {
    record.fileSize <= 64 << 20 || record.range.byteCount >= record.fileSize / 4
      || FilePolicy.policy(record) == .linkAllowed
  }

  private func copyFile(_ descriptor: Int32, _ record: MappingRecord) -> DataRange {
    let rest = record.fileSize > record.fileOffset ? record.fileSize - record.fileOffset : 0
    return copyToData(min(record.range.byteCount, rest)) { buffer, offset in
      rrs_pread(descriptor, buffer.baseAddress, buffer.count, record.fileOffset + offset)
    }
  }

  /// Appends `byteCount` bytes to the data stream, a piece at a time; fewer if `read` returns fewer.
  func copyToData(
    _ byteCount: UInt64, _ read: (UnsafeMutableRawBufferPointer, UInt64) -> Int
  ) -> DataRange {
    var whole = DataRange(offset: writer.appendData(UnsafeRawBufferPointer(start: nil, count: 0)).offset, byteCount: 0)
    withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 16) { buffer in
      while whole.byteCount < byteCount {
        let wanted = Int(min(byteCount - whole.byteCount, UInt64(buffer.count)))
        let count = read(UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), whole.byteCount)
        guard count > 0 else { return }
        whole.byteCount += writer.appendData(UnsafeRawBufferPointer(rebasing: buffer[..<count])).byteCount
      }
    }
    return whole
  }
}

/// How a mapped file comes into the trace.
enum FilePolicy {
  /// Directories whose files are replaced by rename, not written in place: what package managers own.
  private static let systemDirectories = ["/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/opt/", "/nix/", "/snap/"]

  static func policy(_ record: MappingRecord) -> FileStoringPolicy {
    let isSystemFile = record.fileUserID == 0 && systemDirectories.contains { record.name.hasPrefix($0) }
    let isLocal = record.name.hasPrefix("/usr/local/") || record.name.hasPrefix("/usr/src/")
    return isSystemFile && !isLocal ? .linkAllowed : .copyOnly
  }
}

extension RemoteRange {
  /// As /proc/PID/map_files names it.
  var hexName: String { "\(String(start.rawValue, radix: 16))-\(String(end.rawValue, radix: 16))" }
}
