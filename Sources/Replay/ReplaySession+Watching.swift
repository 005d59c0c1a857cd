import Execution
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

  /// How a process's memory is watched.
  struct WatchAssignment {
    var registers: DebugRegisters
    /// By register, the index of the watched memory.
    var owners: [Int: Int] = [:]
    /// What the registers have no room for: its indices, and its pages, with whether reading counts.
    var rest: [Int] = []
    var pages: [UInt64: Bool] = [:]
  }

  func watchAssignment(_ tracee: ReplayTracee) -> WatchAssignment {
    var assignment = WatchAssignment(registers: tracee.tracee.debugRegisters)
    let firstSlot = Tracee.executionSlot + 1
    for unused in firstSlot..<DebugRegisters.count { assignment.registers[unused] = nil }
    var slot = firstSlot
    for (index, watch) in (control?.watches ?? []).enumerated()
    where watch.process == tracee.tracee.threadGroup.recordedID {
      let pieces = Self.pieces(watch.range)
      if slot + pieces.count <= DebugRegisters.count {
        for piece in pieces {
          assignment.registers[slot] = DebugRegister(
            watch.kind == .write ? .write : .access, piece.address, byteCount: piece.byteCount)
          assignment.owners[slot] = index
          slot += 1
        }
      } else {
        assignment.rest.append(index)
        let start = watch.range.start.pageStart.rawValue
        for page in stride(from: start, to: watch.range.end.rawValue, by: Int(pageSize)) {
          assignment.pages[page] = assignment.pages[page] ?? false || watch.kind != .write
        }
      }
    }
    return assignment
  }

  /// Makes the tracee's engine watch what the debugger watches.
  func watch(_ tracee: ReplayTracee) throws {
    let assignment = watchAssignment(tracee)
    try tracee.tracee.setDebugRegisters(assignment.registers)
    for page in assignment.pages.keys {
      try tracee.tracee.bringIn(RemoteRange(RemotePointer(page), byteCount: pageSize))
    }
    try engine.setWatchedPages(assignment.pages, in: tracee.tracee)
  }

  /// The most bytes that one instruction touches.
  private static let accessByteCountMax: UInt64 = 64

  func stopAtWatch(_ tracee: ReplayTracee, _ hit: WatchHit) throws {
    let assignment = watchAssignment(tracee)
    var touched = Set(assignment.owners.filter { hit.slots & (1 << UInt8($0.key)) != 0 }.values)
    let changed = Set(takeChangedWatches())
    if let address = hit.address {
      for index in assignment.rest {
        guard let watch = control?.watches[index] else { continue }
        let near = RemoteRange(address, byteCount: Self.accessByteCountMax)
        if changed.contains(index) || watch.kind != .write && near.overlaps(watch.range) { touched.insert(index) }
      }
    }
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
