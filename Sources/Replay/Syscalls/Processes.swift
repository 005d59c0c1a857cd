import CLinuxShim
import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// The process tree: births, new images, deaths. Tracees of a replay are real threads and processes, so that memory is
// shared and copied as it was; nothing else of a process is real.
extension ReplaySession {
  /// What decides which memory and which thread group a child has. No exit signal: nobody waits for it.
  private static let keptCloneFlags =
    CloneFlag.vm | CloneFlag.fs | CloneFlag.files | CloneFlag.sighand | CloneFlag.thread

  /// Makes the child that an event tells of, if it tells of one.
  func makeChild(_ event: TraceEvent, _ call: SyscallEvent, parent: ReplayTracee) throws {
    guard let newTid = call.newTid else { return }
    let births = try reader.tracees(forEvent: event.number)
    guard
      let birth = births.first(where: { $0.tid == newTid }),
      case .clone(_, let flags, _, let group) = birth.kind
    else { throw ReplayError.unusableTrace("event \(event.number) lacks the record of its new tracee \(newTid)") }
    let result = try parent.tracee.checkedRemoteCall(
      "clone", SyscallNumber.clone, flags & Self.keptCloneFlags, 0, 0, 0, 0)
    let sharesMemory = flags & CloneFlag.vm != 0
    let tid = Tid(Int32(truncatingIfNeeded: result))
    let threadGroup =
      flags & CloneFlag.thread != 0 ? parent.tracee.threadGroup : ThreadGroup(id: tid, recordedID: group)
    let child = ReplayTracee(
      Tracee(
        tid: tid, recordedTid: newTid,
        addressSpace: sharesMemory ? parent.tracee.addressSpace : parent.tracee.addressSpace.fork(),
        threadGroup: threadGroup))
    child.isNewborn = true
    _ = try child.tracee.wait()
    tracees[newTid] = child
    try engine.didClone(parent: parent.tracee, child: child.tracee)
  }

  // MARK: - Images

  /// A process image as it was right after execve: an empty process, then the recorded mappings and bytes.
  func startImage(_ event: TraceEvent) throws {
    guard let recorded = event.registers else {
      throw ReplayError.unusableTrace("event \(event.number) has no registers")
    }
    let records = try reader.tracees(forEvent: event.number)
    var formerTid = event.tid
    for record in records {
      if case .exec(_, _, _, _, _, _, let previous) = record.kind, record.tid == event.tid { formerTid = previous }
    }
    let tracee = try tracees[formerTid].map { try replaceImage($0, recordedTid: event.tid) } ?? spawnFirst(event.tid)
    for tid in Set([formerTid, event.tid]) {
      pastStopCount += tracees.removeValue(forKey: tid)?.tracee.stopCount ?? 0
    }
    tracees[event.tid] = tracee
    try emptyImage(tracee.tracee)
    try makeMappings(tracee, event)
    setRegisters(tracee, recorded)
    try applyWrites(event)
    if !event.extendedState.isEmpty { try Ptrace.setExtendedState(tracee.tracee.tid, event.extendedState) }
    try engine.didStartImage(tracee.tracee)
  }

  private func spawnFirst(_ recordedTid: Tid) throws -> ReplayTracee {
    guard rootTid == nil else {
      throw ReplayError.unusableTrace("tracee \(recordedTid) starts a process image, but was never born")
    }
    rootTid = recordedTid
    return try spawn(recordedTid, group: recordedTid)
  }

  /// A new process, in rrs's own image.
  func spawn(_ recordedTid: Tid, group: Tid) throws -> ReplayTracee {
    var spawning = TraceeSpawner.Options()
    spawning.newSession = true
    let tid = try TraceeSpawner.spawn(
      path: "/proc/self/exe", arguments: ["rrs-tracee"], environment: [], options: spawning)
    return ReplayTracee(
      Tracee(
        tid: tid, recordedTid: recordedTid, addressSpace: AddressSpace(),
        threadGroup: ThreadGroup(id: tid, recordedID: group)))
  }

  /// A real execve, of rrs's own executable: the kernel ends the other threads and makes a new address space.
  private func replaceImage(_ tracee: ReplayTracee, recordedTid: Tid) throws -> ReplayTracee {
    let old = tracee.tracee
    let path = "/proc/\(rrs_syscall(SyscallNumber.getpid, 0, 0, 0, 0, 0, 0))/exe"
    let argv = Gadget.dataAddress + 1024
    old.write(Gadget.dataAddress, Array(path.utf8) + [0])
    old.write(argv, value: Gadget.dataAddress.rawValue)
    old.write(argv + 8, value: UInt64(0))
    var call = try old.registers()
    call.rip = Gadget.address.rawValue
    call.rax = UInt64(SyscallNumber.execve)
    call.origRax = UInt64.max
    call.setArgument(0, Gadget.dataAddress.rawValue)
    call.setArgument(1, argv.rawValue)
    call.setArgument(2, (argv + 8).rawValue)
    old.setRegisters(call)
    try old.resume()
    old.addressSpace.tracees -= 1
    // The thread that calls execve goes on as its group's leader (execve(2)).
    let group = ThreadGroup(id: old.threadGroup.id, recordedID: recordedTid)
    let new = Tracee(tid: group.id, recordedTid: recordedTid, addressSpace: AddressSpace(), threadGroup: group)
    while true {
      switch try new.wait() {
      case .event(.exec, _):
        try new.resumeToSyscallStop()
      case .syscallStop:
        return ReplayTracee(new)
      case .exited, .killed:
        throw ReplayError.internalError("the tracee died in execve")
      default:
        try new.resume()
      }
    }
  }

  /// Nothing but the gadget is mapped when this is done.
  func emptyImage(_ tracee: Tracee) throws {
    let userEnd: UInt64 = 0x7fff_ffff_f000
    let high = Gadget.range.end.rawValue
    var calls = RemoteCalls()
    calls.add("munmap", SyscallNumber.munmap, 0, .value(Gadget.range.start.rawValue))
    calls.add("munmap", SyscallNumber.munmap, .value(high), .value(userEnd - high))
    try tracee.mapGadget(then: calls)
  }

  // MARK: - Deaths

  func replayExit(_ event: TraceEvent, rawStatus: Int32) throws {
    guard let tracee = tracees.removeValue(forKey: event.tid) else {
      throw ReplayError.unusableTrace("event \(event.number) ends tracee \(event.tid), which isn't there")
    }
    try end(tracee.tracee)
    pastStopCount += tracee.tracee.stopCount
    engine.didExit(tracee.tracee)
    try applyWrites(event)
  }

  /// exit(2) of this thread alone.
  private func end(_ tracee: Tracee) throws {
    var call = try tracee.registers()
    call.rip = Gadget.address.rawValue
    call.rax = UInt64(SyscallNumber.exit)
    call.origRax = UInt64.max
    call.rdi = 0
    tracee.setRegisters(call)
    try tracee.resume()
    tracee.addressSpace.tracees -= 1
    tracee.threadGroup.tracees.removeAll { $0 == tracee.tid }
    let leavesOthers = tracee.tid == tracee.threadGroup.id && !tracee.threadGroup.tracees.isEmpty
    while true {
      switch try tracee.wait() {
      case .exited, .killed:
        tracee.isAlive = false
        return
      case .event(.exit, _):
        try tracee.resume()
        // A leader with threads left is reported when those are gone; it is as good as gone now.
        if leavesOthers { return }
      default:
        try tracee.resume()
      }
    }
  }
}
