import CLinuxShim
import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// Opened files, output that replay shows, and writes to files that are mapped shared.
extension RecordSession {
  func finishOpen(_ details: inout SyscallEvent, _ tracee: RecordTracee, _ registers: Registers) {
    let descriptor = Int32(truncatingIfNeeded: registers.syscallResult)
    let link = "/proc/\(tracee.tid)/fd/\(descriptor)"
    guard let path = ProcFS.readLink(link), let status = FileStatus(path: link) else { return }
    details.openedFiles = [
      OpenedFile(descriptor: descriptor, path: path, device: status.device, inode: status.inode)
    ]
    if path.hasPrefix("/proc/"), path.hasSuffix("/mem") { memoryFilesOpened = true }
  }

  // MARK: - Writes

  /// Where a write-like call writes to: the index of its descriptor.
  private func outputIndex(_ number: Int) -> Int? {
    switch number {
    case SyscallNumber.write, SyscallNumber.pwrite64, SyscallNumber.writev, SyscallNumber.pwritev,
      SyscallNumber.pwritev2, SyscallNumber.sendfile, SyscallNumber.ftruncate, SyscallNumber.fallocate:
      0
    case SyscallNumber.splice, SyscallNumber.copy_file_range: 2
    case SyscallNumber.tee: 1
    default: nil
    }
  }

  /// The bytes of these go from file to file without passing through the tracee's memory.
  private func movesWithoutMemory(_ number: Int) -> Bool {
    [SyscallNumber.sendfile, SyscallNumber.splice, SyscallNumber.copy_file_range, SyscallNumber.tee].contains(number)
  }

  func startWrite(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) throws {
    // What can't be shown again is made impossible: EINVAL, as from files that don't support it, and programs copy.
    if movesWithoutMemory(descriptor.number), let index = outputIndex(descriptor.number),
      shownOn(tracee, Int32(truncatingIfNeeded: registers.argument(index))) != 0
    {
      return try skip(tracee, registers, errno: 22)
    }
    if options.markStdio { markOutput(tracee, descriptor, registers) }
    try startCall(tracee, descriptor, registers)
  }

  /// `-M`: says which process and event the output that follows belongs to.
  private func markOutput(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) {
    guard descriptor.number == SyscallNumber.write || descriptor.number == SyscallNumber.writev else { return }
    let own = shownOn(tracee, Int32(truncatingIfNeeded: registers.argument(0)))
    guard own != 0, registers.argument(2) > 0 else { return }
    Output.write(Int32(own), Array("[rrs \(tracee.group.recordedID) \(writer.nextEventNumber)]".utf8))
  }

  func finishWrite(
    _ event: inout TraceEvent, _ details: inout SyscallEvent, _ tracee: RecordTracee, _ call: PendingCall,
    _ registers: Registers
  ) {
    guard !registers.syscallFailed else { return }
    let number = call.descriptor.number
    guard let index = outputIndex(number) else {
      if !sharedMemory.isEmpty { recordTruncate(&event, tracee, call) }
      return
    }
    let descriptor = Int32(truncatingIfNeeded: call.entry.argument(index))
    if number == SyscallNumber.write || number == SyscallNumber.writev {
      details.shownOn = shownOn(tracee, descriptor)
    }
    if memoryFilesOpened { captureMemoryFileWrite(&event, tracee, call, descriptor, registers) }
    if !sharedMemory.isEmpty || !privateFiles.isEmpty {
      recordMappedWrite(&event, tracee, call, descriptor, registers)
    }
  }

  /// 1 or 2 if the tracee's descriptor is rrs's own stdout or stderr, or the terminal that these are.
  private func shownOn(_ tracee: RecordTracee, _ descriptor: Int32) -> UInt8 {
    for own in [Int32(1), 2] {
      let same = rrs_same_file(tracee.group.id.rawValue, descriptor, own)
      if same == 1 { return UInt8(own) }
      if same < 0 { return shownOnByName(tracee, descriptor) }
    }
    guard let device = FileStatus(path: "/proc/\(tracee.tid)/fd/\(descriptor)"), device.isTerminal else { return 0 }
    let index = terminals.firstIndex {
      $0 != nil && (device.isControllingTerminal || $0 == device.representedDevice)
    }
    return index.map { UInt8($0 + 1) } ?? 0
  }

  /// Without kcmp(2): by device and inode.
  private func shownOnByName(_ tracee: RecordTracee, _ descriptor: Int32) -> UInt8 {
    guard let theirs = FileStatus(path: "/proc/\(tracee.tid)/fd/\(descriptor)") else { return 0 }
    for own in [1, 2] {
      if let ours = FileStatus(path: "/proc/self/fd/\(own)"), ours.inode == theirs.inode, ours.device == theirs.device {
        return UInt8(own)
      }
    }
    return 0
  }

  /// Writes to /proc/PID/mem change a tracee's memory.
  private func captureMemoryFileWrite(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall, _ descriptor: Int32,
    _ registers: Registers
  ) {
    guard let path = ProcFS.readLink("/proc/\(tracee.tid)/fd/\(descriptor)"), path.hasPrefix("/proc/"),
      path.hasSuffix("/mem"), let pid = Int32(path.dropFirst(6).dropLast(4)), let target = tracees[Tid(pid)]
    else { return }
    let count = UInt64(registers.syscallResult)
    guard let offset = writeOffset(tracee, call, descriptor, count) else { return }
    appendMemory(&event, target.tracee, RemotePointer(offset), Int(count))
  }

  /// A write to a file that recorded processes have mapped.
  private func recordMappedWrite(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall, _ descriptor: Int32,
    _ registers: Registers
  ) {
    let path = "/proc/\(tracee.tid)/fd/\(descriptor)"
    guard let status = FileStatus(path: path) else { return }
    let isShared = sharedMemory.contains(status), isPrivate = privateFiles.contains(status)
    guard isShared || isPrivate else { return }
    let isSizeChange = [SyscallNumber.ftruncate, SyscallNumber.fallocate].contains(call.descriptor.number)
    let count = isSizeChange ? 0 : UInt64(registers.syscallResult)
    let offset = isSizeChange ? 0 : writeOffset(tracee, call, descriptor, count) ?? 0
    let isFallocate = call.descriptor.number == SyscallNumber.fallocate
    let start = isFallocate ? call.entry.argument(2) : offset
    let length = isFallocate ? call.entry.argument(3) : count
    if isShared { appendFileWrite(&event, path, status, offset: start, count: length) }
    if isPrivate { appendPrivatePages(&event, status, offset: start, count: length) }
  }

  /// What private mappings of the file show of the bytes that were just written.
  private func appendPrivatePages(
    _ event: inout TraceEvent, _ status: FileStatus, offset: UInt64, count: UInt64
  ) {
    var seen: Set<ObjectIdentifier> = []
    for other in tracees.values where other.state != .dying && other.state != .zombie {
      guard seen.insert(ObjectIdentifier(other.addressSpace)).inserted else { continue }
      for mapping in ProcessMaps.read(other.tid)
      where !mapping.isShared && mapping.inode == status.inode && mapping.device == status.device {
        let low = max(offset, mapping.fileOffset)
        let high = min(offset + count, mapping.fileOffset + mapping.range.byteCount)
        guard low < high else { continue }
        appendMemory(&event, other.tracee, mapping.range.start + (low - mapping.fileOffset), Int(high - low))
      }
    }
  }

  /// truncate(2) by path.
  private func recordTruncate(_ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall) {
    guard call.descriptor.number == SyscallNumber.truncate,
      let name = tracee.tracee.readText(RemotePointer(call.entry.argument(0)))
    else { return }
    let base = name.hasPrefix("/") ? "/proc/\(tracee.tid)/root" : "/proc/\(tracee.tid)/cwd/"
    guard let status = FileStatus(path: base + name), sharedMemory.contains(status)
    else { return }
    appendFileWrite(&event, base + name, status, offset: 0, count: 0)
  }

  private func appendFileWrite(
    _ event: inout TraceEvent, _ path: String, _ status: FileStatus, offset: UInt64, count: UInt64
  ) {
    let file = Int32(rrs_open(path, 0, 0))
    defer { if file >= 0 { _ = rrs_close(file) } }
    let data = copyToData(file >= 0 ? count : 0) { buffer, done in
      rrs_pread(file, buffer.baseAddress, buffer.count, offset + done)
    }
    event.fileWrites.append(
      FileWrite(
        device: status.device, inode: status.inode, offset: offset, data: data, newSize: status.byteCount))
    engine.didWriteMappedFiles()
  }

  /// Where the call wrote: its own offset argument, or where the descriptor's position was.
  private func writeOffset(
    _ tracee: RecordTracee, _ call: PendingCall, _ descriptor: Int32, _ count: UInt64
  ) -> UInt64? {
    switch call.descriptor.number {
    case SyscallNumber.pwrite64, SyscallNumber.pwritev:
      return call.entry.argument(3)
    case SyscallNumber.pwritev2 where call.entry.argument(3) != UInt64.max:
      return call.entry.argument(3)
    case SyscallNumber.splice, SyscallNumber.copy_file_range:
      let pointer = RemotePointer(call.entry.argument(3))
      if !pointer.isNull { return tracee.tracee.read(pointer, as: UInt64.self).map { $0 - min($0, count) } }
      return ProcFS.position(tracee.tid, descriptor: descriptor).map { $0 - min($0, count) }
    default:
      return ProcFS.position(tracee.tid, descriptor: descriptor).map { $0 - min($0, count) }
    }
  }
}
