import CLinuxShim
import Execution
import KernelABI
import Syscalls
import SystemPackage
import TraceFormat
import TraceeControl

// fork, vfork, clone, clone3; exit and exit_group; the end of tracees.
extension RecordSession {
  /// The arguments of any of the four calls, in one form.
  struct CloneArguments {
    var flags: UInt64
    var parentTid = RemotePointer.null
    var childTid = RemotePointer.null
    var pidfd = RemotePointer.null

    init(_ tracee: Tracee, _ registers: Registers) {
      switch registers.syscallNumber {
      case SyscallNumber.clone:
        flags = registers.argument(0)
        parentTid = RemotePointer(registers.argument(2))
        childTid = RemotePointer(registers.argument(3))
        pidfd = parentTid
      case SyscallNumber.clone3:
        // struct clone_args of clone(2): flags, pidfd, child_tid, parent_tid.
        let address = RemotePointer(registers.argument(0))
        flags = tracee.read(address, as: UInt64.self) ?? 0
        pidfd = RemotePointer(tracee.read(address + 8, as: UInt64.self) ?? 0)
        childTid = RemotePointer(tracee.read(address + 16, as: UInt64.self) ?? 0)
        parentTid = RemotePointer(tracee.read(address + 24, as: UInt64.self) ?? 0)
      case SyscallNumber.vfork:
        flags = CloneFlag.vm | CloneFlag.vfork | 17
      default:
        flags = 17
      }
    }
  }

  func startClone(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) throws {
    var call = PendingCall(descriptor: descriptor, entry: registers)
    let arguments = CloneArguments(tracee.tracee, registers)
    if descriptor.number == SyscallNumber.clone, arguments.flags & CloneFlag.untraced != 0 {
      var changed = registers
      changed.setArgument(0, arguments.flags & ~CloneFlag.untraced)
      tracee.tracee.setRegisters(changed)
      call.changedArguments = [0]
    }
    tracee.call = call
    tracee.state = .running
    try engine.resume(tracee.tracee, .systemCall)
    try waitFor(tracee)
    try handleNext(tracee)
  }

  /// The child exists. Its first event follows the event that tells of it.
  func handleCloned(_ parent: RecordTracee, newTid: Tid, _ kind: PtraceEvent) throws {
    guard let call = parent.call else { return }
    let arguments = CloneArguments(parent.tracee, call.entry)
    let child = makeChild(parent, newTid, arguments)
    try engine.didClone(parent: parent.tracee, child: child.tracee)
    try waitForFirstStop(child)
    if kind == .vfork {
      // The parent sleeps until the child is done with its memory: its entry tells of the child.
      try recordPendingEntry(before: parent)
      var details = SyscallEvent(number: call.descriptor.number, phase: .entry)
      details.newTid = newTid
      try appendBirth(parent, child, details, call.entry, arguments)
      parent.state = .inSyscall
      try engine.resume(parent.tracee, .systemCall)
    } else {
      try engine.resume(parent.tracee, .systemCall)
      try waitFor(parent)
      try finishClone(parent, child, call, arguments)
    }
    try recordStart(of: child, arguments)
  }

  private func makeChild(_ parent: RecordTracee, _ newTid: Tid, _ arguments: CloneArguments) -> RecordTracee {
    let sharesMemory = arguments.flags & CloneFlag.vm != 0
    let space = sharesMemory ? parent.addressSpace : parent.addressSpace.fork()
    let group =
      arguments.flags & CloneFlag.thread != 0 ? parent.group : ThreadGroup(id: newTid, recordedID: newTid)
    let child = RecordTracee(Tracee(tid: newTid, recordedTid: newTid, addressSpace: space, threadGroup: group))
    child.isNewborn = true
    if arguments.flags & CloneFlag.childClearTid != 0 { child.clearTidAddress = arguments.childTid }
    add(child)
    return child
  }

  private func waitForFirstStop(_ child: RecordTracee) throws {
    try waitFor(child)
    let status = child.pending.removeFirst()
    if case .event(.stop, _) = status {
      _ = try engine.interpret(child.tracee, status)
      child.state = .ready
    } else {
      // Killed before its first stop.
      child.pending.insert(status, at: 0)
      child.state = .dying
      arrivals.append(child.tid)
    }
  }

  private func finishClone(
    _ parent: RecordTracee, _ child: RecordTracee, _ call: PendingCall, _ arguments: CloneArguments
  ) throws {
    var details = SyscallEvent(number: call.descriptor.number, phase: .exit)
    details.newTid = child.tid
    guard let status = parent.pending.first, status == .syscallStop else {
      // Killed before it returned: the child lives on, and the trace must tell of it.
      arrivals.append(parent.tid)
      details.phase = .entry
      return try appendBirth(parent, child, details, call.entry, arguments)
    }
    parent.pending.removeFirst()
    _ = try engine.interpret(parent.tracee, status)
    var registers = try parent.tracee.registers()
    for index in call.changedArguments { registers.setArgument(index, call.entry.argument(index)) }
    parent.tracee.setRegisters(registers)
    parent.call = nil
    parent.state = .ready
    try appendBirth(parent, child, details, registers, arguments)
  }

  /// The event that tells of the child, with what the kernel wrote for the parent.
  private func appendBirth(
    _ parent: RecordTracee, _ child: RecordTracee, _ details: SyscallEvent, _ registers: Registers,
    _ arguments: CloneArguments
  ) throws {
    var event = try makeEvent(parent, .syscall(details), registers)
    if arguments.flags & CloneFlag.parentSetTid != 0 {
      appendMemory(&event, parent.tracee, arguments.parentTid, 4)
    }
    if arguments.flags & CloneFlag.childSetTid != 0, arguments.flags & CloneFlag.vm != 0 {
      // Written before the child's first stop, in memory that the parent sees.
      appendMemory(&event, parent.tracee, arguments.childTid, 4)
    }
    if arguments.flags & CloneFlag.pidfd != 0 { appendMemory(&event, parent.tracee, arguments.pidfd, 4) }
    writer.append(
      TraceeRecord(
        event: writer.nextEventNumber, tid: child.tid,
        kind: .clone(
          parent: parent.tracee.recordedTid, flags: arguments.flags, ownNamespaceTid: ProcFS.ownNamespaceTid(child.tid),
          threadGroup: child.group.recordedID)))
    try append(event, of: parent)
  }

  /// The child's own return from the call.
  private func recordStart(of child: RecordTracee, _ arguments: CloneArguments) throws {
    guard child.state == .ready else { return }
    try guarded(child) {
      let registers = try child.tracee.registers()
      var event = try makeEvent(
        child, .syscall(SyscallEvent(number: registers.syscallNumber, phase: .exit)), registers)
      if arguments.flags & CloneFlag.childSetTid != 0 {
        appendMemory(&event, child.tracee, arguments.childTid, 4)
      }
      child.isNewborn = false
      try append(event, of: child)
    }
  }

  // MARK: - The end of tracees

  func startExit(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) throws {
    let event = try makeEvent(
      tracee, .syscall(SyscallEvent(number: descriptor.number, phase: .entry)), registers)
    try append(event, of: nil)
    tracee.state = .running
    try engine.resume(tracee.tracee, .application(signal: nil, until: nil))
    try waitFor(tracee)
    try handleNext(tracee)
  }

  /// PTRACE_EVENT_EXIT: the memory is still there. The kernel will clear the tid word and mark robust futexes; replay
  /// must see that, so the event is written when it is done.
  func handleExiting(_ tracee: RecordTracee, rawStatus: Int32) throws {
    try recordPendingEntry(before: tracee)
    let words = kernelWrittenWords(tracee)
    let sharedWords = sharedMemory.locate(words, in: tracee.tracee)
    tracee.state = .dying
    tracee.call = nil
    do {
      try engine.resume(tracee.tracee, .application(signal: nil, until: nil))
    } catch let error as KernelError {
      guard error.errno == .noSuchProcess else { throw error }
    }
    try waitForDeath(tracee)
    var event = try makeEvent(tracee, .exit(rawStatus: rawStatus), nil)
    if let witness = tracees.values.first(where: {
      $0 !== tracee && $0.addressSpace === tracee.addressSpace && $0.state != .dying && $0.state != .zombie
    }) {
      for word in words { appendMemory(&event, witness.tracee, word, 4) }
    } else {
      appendSharedWords(&event, sharedWords)
    }
    try finishDeath(tracee, event, rawStatus: rawStatus)
  }

  /// Words of the dead process's memory that other processes share.
  private func appendSharedWords(_ event: inout TraceEvent, _ words: [SharedMemory.Place]) {
    for word in words {
      for other in tracees.values where other.state != .dying && other.state != .zombie {
        guard let address = sharedMemory.address(of: word, in: other.tracee) else { continue }
        let data = copyToData(4) { buffer, offset in other.tracee.read(address + offset, into: buffer) }
        event.fileWrites.append(
          FileWrite(device: word.device, inode: word.inode, offset: word.offset, data: data, newSize: 0))
        break
      }
    }
  }

  private func finishDeath(_ tracee: RecordTracee, _ event: TraceEvent, rawStatus: Int32) throws {
    tracee.addressSpace.tracees -= 1
    tracee.group.tracees.removeAll { $0 == tracee.tid }
    engine.didExit(tracee.tracee)
    let isLeader = tracee.tid == tracee.group.id
    if isLeader && tracee.exitStatus == nil && !tracee.group.tracees.isEmpty {
      // The process's status is known when its last thread is gone.
      tracee.state = .zombie
    } else {
      appendDeath(tracee, tracee.exitStatus?.rawExit ?? rawStatus)
      remove(tracee)
      if isLeader, tracee.tid == rootID { rootStatus = tracee.exitStatus ?? WaitStatus(raw: rawStatus) }
    }
    try append(event, of: nil)
  }

  private func appendDeath(_ tracee: RecordTracee, _ rawStatus: Int32) {
    writer.append(
      TraceeRecord(
        event: writer.nextEventNumber, tid: tracee.tracee.recordedTid, kind: .exit(rawStatus: rawStatus)))
  }

  /// Waits until the tracee is really gone: then the kernel has written what it writes at the end. A leader with other
  /// threads left isn't reported before those are gone (ptrace(2), "exit"); its state tells.
  private func waitForDeath(_ tracee: RecordTracee) throws {
    let isLeader = tracee.tid == tracee.group.id
    while true {
      if let index = tracee.pending.firstIndex(where: { $0.rawExit != nil }) {
        tracee.exitStatus = tracee.pending.remove(at: index)
        tracee.tracee.isAlive = false
        return
      }
      // Another thread's execve took the leader's place, and its tid: the leader is gone without a status of its own.
      if tracee.pending.contains(where: \.isExec) { return }
      tracee.pending.removeAll()
      if isLeader && tracee.group.tracees.count > 1 {
        let state = ProcFS.state(tracee.tid)
        if state == "Z" || state == "X" || state == nil { return }
        _ = try takeStatus(options: 1)
        rrs_yield()
      } else {
        _ = try takeStatus(options: 0)
      }
    }
  }

  /// The words that the kernel writes when the thread is gone: the tid word, and the futexes of the robust list
  /// (set_robust_list(2), Documentation/locking/robust-futex-ABI).
  private func kernelWrittenWords(_ tracee: RecordTracee) -> [RemotePointer] {
    var words: [RemotePointer] = []
    if !tracee.clearTidAddress.isNull { words.append(tracee.clearTidAddress) }
    guard !tracee.robustList.isNull, let offset = tracee.tracee.read(tracee.robustList + 8, as: Int64.self) else {
      return words
    }
    let head = tracee.robustList
    var entry = tracee.tracee.read(head, as: UInt64.self).map { $0 & ~1 }
    let limit = 2048
    while let address = entry, address != 0, address != head.rawValue, words.count < limit {
      words.append(RemotePointer(address) + Int(offset))
      entry = tracee.tracee.read(RemotePointer(address), as: UInt64.self).map { $0 & ~1 }
    }
    if let pending = tracee.tracee.read(head + 16, as: UInt64.self), pending & ~1 != 0 {
      words.append(RemotePointer(pending & ~1) + Int(offset))
    }
    return words
  }

  /// wait(2) reported the end: of a leader whose threads are all gone, or of a tracee that was killed in its exit.
  func handleExited(_ tracee: RecordTracee, _ status: WaitStatus) throws {
    guard let rawStatus = status.rawExit else { return }
    tracee.exitStatus = status
    if tracee.state == .zombie {
      appendDeath(tracee, rawStatus)
      remove(tracee)
      if tracee.tid == rootID { rootStatus = status }
      return
    }
    try recordPendingEntry(before: tracee)
    tracee.call = nil
    tracee.state = .dying
    let event = try makeEvent(tracee, .exit(rawStatus: rawStatus), nil)
    try finishDeath(tracee, event, rawStatus: rawStatus)
  }
}
