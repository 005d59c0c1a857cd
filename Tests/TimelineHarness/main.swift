import Debugging
import EngineTestSupport
import Execution
import Glibc
import KernelABI
import Replay
import TestSupport
import TraceFormat
import TraceeControl
import Translation

// Goes through a recording in both directions, and compares. A process of its own: ptrace wants one thread.
//
//   TimelineHarness points TRACE COUNT SEED   random points, reached forwards, backwards and in any order
//   TimelineHarness steps TRACE COUNT SEED    single steps, and the same ones back
//   TimelineHarness stops TRACE COUNT SEED    breakpoints and watchpoints, forwards and backwards
//   TimelineHarness interrupts TRACE 0 0      a debugger's ^C
//   TimelineHarness saved TRACE COUNT SEED    persistent checkpoints at random points
//   TimelineHarness pages TRACE COUNT SEED    the same with more memory watched than there are debug registers for

struct Failure: Error, CustomStringConvertible { var description: String }

/// What is compared of a place.
struct State: Equatable, CustomStringConvertible {
  var point: TimePoint
  var tid: Tid
  var registers: Registers
  var memory: UInt64

  var description: String { "\(point) of \(tid): memory \(String(memory, radix: 16)), \(registers.named)" }
}

final class Harness {
  let trace: String
  var random: SeededRandom
  var timeline: Timeline

  init(_ trace: String, seed: UInt64) throws {
    self.trace = trace
    random = SeededRandom(seed: seed)
    timeline = try Self.open(trace)
  }

  static func open(
    _ trace: String, saved: Bool = false, onProblem: @escaping (String) -> Void = { _ in }
  ) throws -> Timeline {
    var options = ReplayOptions()
    options.traceDirectory = trace
    options.showOutput = false
    let session = try Replayer().open(options) { SoftwareEngine.make($0) }
    return try Timeline(
      session: session, index: try EventIndex(directory: trace),
      saved: saved ? SavedCheckpoints(session, onProblem: onProblem) : nil)
  }

  func reopen() throws {
    timeline.end()
    timeline = try Self.open(trace)
  }

  func state() throws -> State {
    guard let tracee = try timeline.currentTracee else { throw Failure(description: "nobody is at \(try timeline.point)") }
    var registers = try timeline.session.engine.visibleRegisters(of: tracee.tracee)
    registers.origRax = 0
    let pointers = try timeline.session.tracees.values.filter { $0.tracee.addressSpace === tracee.tracee.addressSpace }
      .map { try $0.tracee.registers().stackPointer }
    return State(
      point: try timeline.point, tid: tracee.recordedTid, registers: registers,
      memory: MemoryChecksum.compute(tracee.tracee, stackPointers: pointers))
  }

  func compare(_ found: State, _ expected: State, _ how: String) throws {
    guard found != expected else { return }
    let differences = zip(found.registers.named, expected.registers.named).filter { $0.value != $1.value }
      .map { "\($0.name) \(String($0.value, radix: 16)) instead of \(String($1.value, radix: 16))" }
    throw Failure(
      description: "\(how): at \(found.point) of \(found.tid) instead of \(expected.point) of \(expected.tid); "
        + "memory \(found.memory == expected.memory ? "equal" : "differs"); \(differences)")
  }

  /// A tick in the code before a random event, that many of these have anything to choose from.
  func randomPlace() throws -> (event: UInt64, ticks: UInt64)? {
    let last = timeline.index.lastEventNumber
    guard last > 3 else { return nil }
    let event = UInt64.random(in: 1..<(last - 1), using: &random)
    guard let next = try timeline.index.event(event + 1), next.kind != .other, next.kind != .imageStart else { return nil }
    let start = try timeline.stageStartTicks(event)
    guard next.ticks >= start else { return nil }
    return (event, UInt64.random(in: start...next.ticks, using: &random))
  }

  /// Goes to random places, some steps behind their ticks, in the order of the recording.
  func collect(_ count: Int) throws -> [State] {
    var places: [(event: UInt64, ticks: UInt64)] = []
    var attempts = 0
    while places.count < count, attempts < count * 20 {
      attempts += 1
      if let place = try randomPlace() { places.append(place) }
    }
    places.sort { ($0.event, $0.ticks) < ($1.event, $1.ticks) }
    var states: [State] = []
    for place in places {
      try timeline.seek(toTick: place.ticks, inStage: place.event)
      guard var tid = try timeline.currentTracee?.recordedTid else { continue }
      for _ in 0..<Int.random(in: 0...6, using: &random) where try timeline.point.event == place.event {
        let stop = try timeline.stepForward(tid, StopSet()) { false }
        guard stop.reason == .step else { break }
      }
      guard let now = try timeline.currentTracee?.recordedTid else { continue }
      tid = now
      states.append(try state())
    }
    return states
  }

  func points(_ count: Int) throws {
    let states = try collect(count)
    print("\(states.count) points")
    try reopen()
    try timeline.seek(afterEvent: timeline.index.lastEventNumber - 1)
    for state in states.reversed() {
      try timeline.seek(to: state.point)
      try compare(try self.state(), state, "backwards")
    }
    for state in states.shuffled(using: &random) {
      try timeline.seek(to: state.point)
      try compare(try self.state(), state, "in any order")
    }
  }

  func steps(_ count: Int) throws {
    var total = 0
    for state in try collect(count) {
      try timeline.seek(to: state.point)
      let tid = state.tid
      // In a call that was begun before there is no instruction to come back to.
      guard timeline.session.tracees[tid]?.standsInCode ?? false else { continue }
      var forward = [try self.state()]
      for _ in 0..<20 {
        let stop = try timeline.stepForward(tid, StopSet()) { false }
        guard stop.reason == .step, try timeline.currentTracee?.recordedTid == tid else { break }
        forward.append(try self.state())
      }
      guard forward.count > 2 else { continue }
      // The last place may be one that nobody runs at.
      var expected = Array(forward.dropLast())
      try timeline.seek(to: forward[forward.count - 1].point)
      var next = forward[forward.count - 1]
      while let place = expected.popLast() {
        let stop = try timeline.stepBackward(tid) { false }
        guard stop.reason == .step else { throw Failure(description: "back from \(state.point): \(stop)") }
        let how = "a step back, from \(forward[forward.count - 1].point)"
        var found = try self.state()
        if found.point.event > place.point.event, found.point.ticks == place.point.ticks {
          // Others ran before the step: the place right before it was found, at which they have left their traces. The same
          // step leads on from there.
          let there = found.point
          _ = try timeline.stepForward(tid, StopSet()) { false }
          try compare(try self.state(), next, how + ", and forwards again")
          try timeline.seek(to: there)
          (found.point, found.memory) = (place.point, place.memory)
        }
        try compare(found, place, how)
        next = place
        total += 1
      }
    }
    print("\(total) steps")
  }

  func stops(_ count: Int, watchesPages: Bool) throws {
    let states = try collect(max(count, 4))
    guard !states.isEmpty else { throw Failure(description: "there is no point in \(trace)") }
    try reopen()
    var set = StopSet()
    for state in states.shuffled(using: &random).prefix(3) {
      set.insert(
        Breakpoint(
          kind: .software, process: processes[state.tid] ?? state.tid.rawValue, address: state.registers.rip,
          byteCount: 1))
    }
    if let state = states.randomElement(using: &random) {
      set.insert(
        Breakpoint(
          kind: .write, process: processes[state.tid] ?? state.tid.rawValue,
          address: (state.registers.rsp &- 64) & ~7, byteCount: watchesPages ? 200 : 8))
    }
    try timeline.seek(afterEvent: timeline.beginEvent)
    var forward: [TimelineStop] = []
    while true {
      let stop = try timeline.runForward(set) { false }
      if stop.reason == .historyEnd { break }
      switch stop.reason {
      case .breakpoint, .watchpoint, .signal: forward.append(stop)
      default: break
      }
      if forward.count >= 400 {
        // The one at which it stands isn't found again, unless that is behind what was touched.
        if case .watchpoint = stop.reason {} else { forward.removeLast() }
        break
      }
    }
    print("\(forward.count) stops")
    var found = 0
    while true {
      let stop = try timeline.runBackward(set) { false }
      if stop.reason == .historyBegin { break }
      guard let expected = forward.popLast() else { throw Failure(description: "backwards there is more: \(stop)") }
      switch stop.reason {
      case .watchpoint:
        guard stop.reason == expected.reason, stop.point < expected.point else {
          throw Failure(description: "backwards \(stop), forwards \(expected)")
        }
      default:
        guard stop == expected else { throw Failure(description: "backwards \(stop), forwards \(expected)") }
      }
      found += 1
    }
    guard forward.isEmpty else {
      throw Failure(description: "backwards \(found) were found, and not \(forward.last.map { "\($0)" } ?? "")")
    }
  }

  /// A debugger that wants to interrupt is heard while the program computes, in both directions.
  func interrupts() throws {
    try timeline.seek(afterEvent: timeline.beginEvent)
    func interrupted(_ stop: TimelineStop, _ asked: Int) throws {
      guard stop.reason == .interrupted else { throw Failure(description: "asked \(asked) times, it came to \(stop)") }
    }
    var asked = 0
    func isInterrupted() -> Bool {
      asked += 1
      return asked == 3
    }
    try interrupted(timeline.runForward(StopSet(), isInterrupted: isInterrupted), asked)
    asked = 0
    let last = timeline.index.lastEventNumber
    try timeline.seek(afterEvent: last - 2)
    try interrupted(timeline.runBackward(StopSet(), isInterrupted: isInterrupted), asked)
  }

  /// The process of each thread that was ever born.
  lazy var processes: [Tid: Int32] = {
    var processes: [Tid: Int32] = [:]
    guard let reader = try? TraceReader(directory: trace) else { return processes }
    let cursor = reader.traceeCursor()
    while let record = try? cursor.next() {
      if case .clone(_, _, _, let group) = record.kind { processes[record.tid] = group.rawValue }
    }
    return processes
  }()
}

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  guard arguments.count == 4, let count = Int(arguments[2]), let seed = UInt64(arguments[3]) else {
    throw Failure(description: "points, steps, stops, saved or pages, TRACE, COUNT, SEED")
  }
  let harness = try Harness(arguments[1], seed: seed)
  defer { harness.timeline.end() }
  switch arguments[0] {
  case "points": try harness.points(count)
  case "steps": try harness.steps(count)
  case "stops": try harness.stops(count, watchesPages: false)
  case "saved": try harness.saved(count)
  case "interrupts": try harness.interrupts()
  case "pages": try harness.stops(count, watchesPages: true)
  default: throw Failure(description: "points, steps, stops, saved or pages?")
  }
} catch {
  let message = Array("harness: \(arguments.joined(separator: " ")): \(error)\n".utf8)
  _ = write(2, message, message.count)
  exit(70)
}
