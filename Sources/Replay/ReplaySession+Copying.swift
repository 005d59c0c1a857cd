import CLinuxShim
import Execution
import KernelABI
import SystemPackage
import TraceFormat
import TraceeControl

// A copy of a session is a checkpoint: tracees that were forked and stand still. The end of one kills them.
extension ReplaySession {
  /// A second session at the same place. Both share the trace's reader: `takeReader` makes it one session's.
  ///
  /// Preconditions: all tracees stand between events, or where `advance` has paused.
  package func copy() throws -> ReplaySession {
    let copy = ReplaySession(options: options, reader: reader, engine: engine, files: try files.copy())
    copy.eventCount = eventCount
    copy.notes = notes
    copy.rootStatus = rootStatus
    copy.rootTid = rootTid
    copy.history = history
    copy.hasEnded = hasEnded
    copy.isVisible = false
    do {
      var made = CopiedTracees()
      // Leaders first: the first of an address space is forked, the others are threads of that one.
      let order = tracees.values.sorted {
        ($0.tracee.isLeader ? 0 : 1, $0.recordedTid) < ($1.tracee.isLeader ? 0 : 1, $1.recordedTid)
      }
      for original in order { copy.tracees[original.recordedTid] = try copyTracee(original, &made) }
      try copy.files.replaceMappings(of: files, in: made.spaces.values.map(\.tracee), engine)
    } catch {
      copy.killAll()
      throw error
    }
    return copy
  }

  /// `advance` goes on behind this session's last event.
  package func takeReader() throws { try reader.seek(toEvent: eventCount + 1) }

  /// By the originals of what they are in, the first copy in each.
  private struct CopiedTracees {
    var spaces: [ObjectIdentifier: ReplayTracee] = [:]
    var groups: [ObjectIdentifier: ReplayTracee] = [:]
  }

  private func copyTracee(_ original: ReplayTracee, _ made: inout CopiedTracees) throws -> ReplayTracee {
    let old = original.tracee
    let space = made.spaces[ObjectIdentifier(old.addressSpace)]
    let member = made.groups[ObjectIdentifier(old.threadGroup)]
    var flags: UInt64 = 0
    if space != nil { flags |= CloneFlag.vm }
    if member != nil { flags |= CloneFlag.fs | CloneFlag.files | CloneFlag.sighand | CloneFlag.thread }
    let creator = member ?? space ?? original
    let result = try creator.tracee.checkedRemoteCall("copy a tracee", SyscallNumber.clone, flags, 0, 0, 0, 0)
    let tid = Tid(Int32(truncatingIfNeeded: result))
    let group =
      member?.tracee.threadGroup ?? ThreadGroup(id: tid, recordedID: old.threadGroup.recordedID)
    group.ignoresTraps = old.threadGroup.ignoresTraps
    let copy = ReplayTracee(
      Tracee(
        tid: tid, recordedTid: old.recordedTid, addressSpace: space?.tracee.addressSpace ?? old.addressSpace.fork(),
        threadGroup: group),
      copying: original)
    _ = try copy.tracee.wait()
    var registers = try old.registers()
    registers.origRax = UInt64.max
    copy.tracee.setRegisters(registers)
    if creator !== original { try Ptrace.setExtendedState(tid, try Ptrace.extendedState(old.tid)) }
    try engine.didCopy(old, to: copy.tracee)
    if space == nil { made.spaces[ObjectIdentifier(old.addressSpace)] = copy }
    if member == nil { made.groups[ObjectIdentifier(old.threadGroup)] = copy }
    return copy
  }

  // MARK: - The end

  /// Kills the session's tracees, and waits for their end.
  package func killAll() {
    let victims = tracees.values.map(\.tracee)
    for tracee in victims {
      _ = rrs_syscall(SyscallNumber.tkill, UInt(tracee.tid.rawValue), UInt(Signal.kill.rawValue), 0, 0, 0, 0)
    }
    // A leader's end is reported when its threads are gone; it may have exited before them.
    let leaders = Set(victims.map(\.threadGroup.id))
    for tid in victims.map(\.tid).filter({ !leaders.contains($0) }) + leaders { Self.awaitEnd(tid) }
    for tracee in victims {
      tracee.addressSpace.tracees -= 1
      engine.didExit(tracee)
    }
    tracees = [:]
  }

  private static func awaitEnd(_ tid: Tid) {
    var raw: Int32 = 0
    while true {
      let result = rrs_wait(tid.rawValue, &raw, 0)
      if result == -Int(Errno.interrupted.rawValue) { continue }
      guard result > 0 else { return }
      switch WaitStatus(raw: raw) {
      case .exited, .killed: return
      default: try? Ptrace.resume(tid)
      }
    }
  }
}

extension Tracee {
  fileprivate var isLeader: Bool { tid == threadGroup.id }
}
