package import KernelABI
import TraceFormat
import TraceeControl

// Watched memory: debug registers see what the program does to it, and comparing sees what is done for the program.
extension ReplaySession {
  /// The pieces of watched memory that debug registers can watch: aligned, of 1, 2, 4 or 8 bytes.
  private static func pieces(_ range: RemoteRange) -> [(address: RemotePointer, byteCount: Int)] {
    var pieces: [(RemotePointer, Int)] = []
    var position = range.start
    while position < range.end {
      var size: UInt64 = 8
      while position.rawValue % size != 0 || range.end - position < size { size /= 2 }
      pieces.append((position, Int(size)))
      position = position + size
    }
    return pieces
  }

  /// How many debug registers these would take, of how many there are for one process.
  package static func registersNeeded(_ watches: [WatchedMemory]) -> Int {
    watches.reduce(0) { $0 + pieces($1.range).count }
  }
  package static let registersMax = DebugRegisters.count - 1

  /// The debug registers for a tracee, and by register the index of the watched memory.
  func watchAssignment(_ tracee: ReplayTracee) -> (registers: DebugRegisters, owners: [Int: Int]) {
    var registers = tracee.tracee.debugRegisters
    var owners: [Int: Int] = [:]
    var slot = Tracee.executionSlot + 1
    for (index, watch) in (control?.watches ?? []).enumerated()
    where watch.process == tracee.tracee.threadGroup.recordedID {
      for piece in Self.pieces(watch.range) where slot < DebugRegisters.count {
        registers[slot] = DebugRegister(
          watch.kind == .write ? .write : .access, piece.address, byteCount: piece.byteCount)
        owners[slot] = index
        slot += 1
      }
    }
    for unused in slot..<DebugRegisters.count { registers[unused] = nil }
    return (registers, owners)
  }

  func watchRegisters(_ tracee: ReplayTracee) -> DebugRegisters { watchAssignment(tracee).registers }

  func stopAtWatch(_ tracee: ReplayTracee, _ slots: UInt8) throws {
    let owners = watchAssignment(tracee).owners
    let touched = Set(owners.filter { slots & (1 << UInt8($0.key)) != 0 }.values)
    let changed = Set(takeChangedWatches())
    let hits = touched.filter { control?.watches[$0].kind != .write || changed.contains($0) }
    if !hits.isEmpty { throw PausedReplay(pause: .watchpoint(hits.sorted())) }
    if control?.steppedTid == tracee.recordedTid { throw PausedReplay(pause: .step) }
  }

  /// What is in watched memory now is what changes are told from.
  package func noteWatchedValues(_ watches: [WatchedMemory]) { watchedValues = watches.map(value) }

  /// The watched memory that isn't as it was when this was last asked.
  func takeChangedWatches() -> [Int] {
    guard let watches = control?.watches, watchedValues.count == watches.count else { return [] }
    let values = watches.map(value)
    defer { watchedValues = values }
    return values.indices.filter { values[$0] != watchedValues[$0] && values[$0] != nil && watchedValues[$0] != nil }
  }

  private func value(_ watch: WatchedMemory) -> [UInt8]? {
    tracee(ofProcess: watch.process)?.tracee.readBytes(watch.range.start, count: Int(watch.range.byteCount))
  }

  /// Some tracee of a process.
  package func tracee(ofProcess process: Tid) -> ReplayTracee? {
    if let leader = tracees[process], leader.tracee.threadGroup.recordedID == process { return leader }
    return tracees.values.first { $0.tracee.threadGroup.recordedID == process }
  }
}
