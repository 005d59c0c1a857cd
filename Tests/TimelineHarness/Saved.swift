import Debugging
import Execution
import KernelABI
import Replay
import TraceFormat
import TraceeControl

// Persistent checkpoints: what is restored from them is what a replay from the start comes to.
extension Harness {
  /// All tracees: their registers, ticks, extended state, and the memory of their processes.
  struct WholeState: Equatable {
    struct Tracee: Equatable {
      var tid: Tid
      var group: Tid
      var registers: Registers
      var ticks: UInt64
      var extended: [UInt8]
      var memory: UInt64
      var name: String?
    }

    var event: UInt64
    var tracees: [Tracee]
  }

  func wholeState() throws -> WholeState {
    let session = timeline.session
    let all = session.tracees.values.sorted { $0.recordedTid < $1.recordedTid }
    return WholeState(
      event: session.eventCount,
      tracees: try all.map { tracee in
        // What lies below a stack pointer is left by signals' frames and lazy binding, differently on every way.
        let pointers = try all.filter { $0.tracee.addressSpace === tracee.tracee.addressSpace }
          .map { try $0.tracee.registers().stackPointer }
        var registers = try session.engine.visibleRegisters(of: tracee.tracee)
        registers.origRax = 0
        return WholeState.Tracee(
          tid: tracee.recordedTid, group: tracee.tracee.threadGroup.recordedID, registers: registers,
          ticks: session.engine.ticks(of: tracee.tracee), extended: try Self.extendedState(tracee.tracee.tid),
          memory: MemoryChecksum.compute(tracee.tracee, stackPointers: pointers), name: tracee.name)
      })
  }

  private func compare(_ found: WholeState, _ expected: WholeState, _ how: String) throws {
    guard found != expected else { return }
    var text = "\(how): event \(found.event) instead of \(expected.event)"
    for (left, right) in zip(found.tracees, expected.tracees) where left != right {
      let registers = zip(left.registers.named, right.registers.named).filter { $0.value != $1.value }
        .map { "\($0.name) \(String($0.value, radix: 16)) instead of \(String($1.value, radix: 16))" }
      text += "; tracee \(left.tid)/\(right.tid): ticks \(left.ticks)/\(right.ticks), \(registers), memory "
        + "\(left.memory == right.memory ? "equal" : "differs"), extended state "
        + "\(left.extended == right.extended ? "equal" : "differs at \(Self.differences(left.extended, right.extended))")"
    }
    if found.tracees.count != expected.tracees.count {
      text += "; tracees \(found.tracees.map(\.tid)) instead of \(expected.tracees.map(\.tid))"
    }
    throw Failure(description: text)
  }

  /// Without XSTATE_BV, which says what is in its initial state: the processor may or may not know that it is.
  private static func extendedState(_ tid: Tid) throws -> [UInt8] {
    var bytes = try Ptrace.extendedState(tid)
    let inUse = 512..<520
    if bytes.count >= inUse.upperBound { bytes.replaceSubrange(inUse, with: repeatElement(0, count: inUse.count)) }
    return bytes
  }

  private static func differences(_ left: [UInt8], _ right: [UInt8]) -> [String] {
    guard left.count == right.count else { return ["\(left.count) and \(right.count) bytes"] }
    return left.indices.filter { left[$0] != right[$0] }.prefix(8).map { "\($0): \(left[$0]) instead of \(right[$0])" }
  }

  /// Saves checkpoints at every other one of some random points.
  func saved(_ count: Int) throws {
    var points: [TimePoint] = []
    for state in try collect(count * 2) where points.last != state.point { points.append(state.point) }
    let store = CheckpointStore(try TraceReader(directory: trace))
    try store.removeAll()
    // Each from the start, by ways that share nothing: a fresh replay goes through all in order.
    try reopen()
    var expected: [WholeState] = []
    for (index, point) in points.enumerated() {
      try timeline.seek(to: point)
      expected.append(try wholeState())
      if index.isMultiple(of: 2) { _ = try timeline.save(in: store) }
    }
    print("\(points.count) points, \(store.list().places.count) saved")
    var problems: [String] = []
    for index in points.indices.shuffled(using: &random) {
      timeline.end()
      timeline = try Self.open(trace, saved: true) { problems.append($0) }
      try timeline.seek(to: points[index])
      try compare(try wholeState(), expected[index], "\(index.isMultiple(of: 2) ? "restored" : "gone on")")
    }
    // One session that goes from one to the next, in both directions.
    for index in Array(points.indices.reversed()) + points.indices.shuffled(using: &random) {
      try timeline.seek(to: points[index])
      try compare(try wholeState(), expected[index], "come back to")
      try crossBack(points[index])
    }
    guard problems.isEmpty else { throw Failure(description: problems.joined(separator: "\n")) }
    let log = store.log().map(\.kind)
    guard log.contains(where: { if case .checkpointLoaded = $0 { true } else { false } }) else {
      throw Failure(description: "the log knows of no loading")
    }
  }

  /// Steps back over a saved place, and forwards again.
  private func crossBack(_ point: TimePoint) throws {
    guard let tid = try timeline.currentTracee?.recordedTid, timeline.session.tracees[tid]?.standsInCode ?? false else {
      return
    }
    let here = try state()
    let stop = try timeline.stepBackward(tid) { false }
    guard stop.reason == .step, try timeline.point.event == point.event else { return }
    _ = try timeline.stepForward(tid, StopSet()) { false }
    try compare(try state(), here, "a step back and forwards")
  }
}
