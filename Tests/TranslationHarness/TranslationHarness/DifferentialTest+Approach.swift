import Execution
import CTranslationHarness
import KernelABI
import Translation
import X86

/// Reaching a place that its ticks alone don't name: the tick before it, and from there on by a breakpoint until the
/// registers are those looked for.
extension DifferentialTest {
  /// Reaches a few of the stepped run's states. `boundaries` are the steps that counted a tick.
  mutating func compareApproaches(
    _ initial: machine_state, _ count: Int, _ boundaries: [Int], _ generator: inout ProgramGenerator
  ) -> [String] {
    guard count > 1 else { return [] }
    defer { machine.translator.setBreakpoints(.none) }
    for _ in 0..<2 {
      let goal = generator.random.below(count)
      // Within a repeated string instruction no breakpoint is hit.
      let isRepeating = goal > 0 && steps[goal - 1].rip == steps[goal].rip
      guard Machine.code.contains(steps[goal].rip), !isRepeating else { continue }
      let ticks = boundaries.prefix { $0 <= goal }.count
      if let problem = approach(initial, goal, Int64(ticks)) {
        return ["reaching step \(goal), \(ticks) ticks: \(problem)"]
      }
    }
    return []
  }

  private mutating func approach(_ initial: machine_state, _ goal: Int, _ ticks: Int64) -> String? {
    machine.restoreData()
    machine.translator.setBreakpoints(.none)
    var outcome = Machine.Outcome(state: initial, signal: 0, stop: .ticksExhausted, ticks: 0)
    if ticks > 0 {
      outcome = machine.runTranslated(initial, budget: ticks)
      if outcome.stop != .ticksExhausted { return "stopped for \(outcome.stop) before its tick" }
    }
    machine.translator.setBreakpoints(CodeBreakpoints([steps[goal].rip]))
    var isLeaving = false
    for _ in 0..<Self.stepMax {
      if outcome.state.rip == steps[goal].rip {
        let problem = difference(outcome, goal)
        if problem == nil { return nil }
        isLeaving = true
      }
      outcome = machine.runTranslated(outcome.state, budget: 1, leavingBreakpoint: isLeaving)
      if outcome.stop != .breakpoint { return "went past it to \(outcome.stop) at \(hex(outcome.state.rip))" }
      if outcome.ticks != 0 { return "\(outcome.ticks) ticks counted on the way" }
    }
    return "not found"
  }
}

/// A tracee that is interrupted anywhere in the cache, as by a signal from outside, stops at the next tick.
extension DifferentialTest {
  mutating func compareInterruptions(
    _ initial: machine_state, _ boundaries: [Int], _ generator: inout ProgramGenerator
  ) -> [String] {
    let log = UnsafeMutablePointer<machine_step>.allocate(capacity: Self.stepMax)
    defer { log.deallocate() }
    for _ in 0..<2 {
      machine.restoreData()
      let after = 1 + generator.random.below(Self.stepMax / 8)
      guard let (used, outcome) = machine.runInterrupted(initial, after: after, log) else { continue }
      // The program may end before another tick, or at what this harness doesn't execute.
      guard used < boundaries.count else { continue }
      if case .instruction = outcome.stop { continue }
      if let problem = differenceAt(outcome, boundaries[used]) {
        return ["interrupted after \(after), at tick \(used + 1): \(problem)"]
      }
    }
    return []
  }
}

extension Machine {
  /// Runs translated until `count` instructions have been executed in the cache, then to the next tick. With the ticks
  /// used before; nil if the run ended before.
  func runInterrupted(
    _ state: machine_state, after count: Int, _ log: UnsafeMutablePointer<machine_step>
  ) -> (used: Int, Outcome)? {
    let budget: Int64 = 1 << 40
    translator.ticksLeft = budget
    var outcome = Outcome(state: state, signal: 0, stop: .resumed, ticks: 0)
    var registers = Registers(state)
    outcome.stop = translator.go(to: registers.rip, &registers)
    var left = count
    while outcome.stop == .resumed && left > 0 {
      registers.write(to: &outcome.state)
      let stop = harness_run(&outcome.state, log, left)
      registers = Registers(outcome.state)
      left -= stop.step_count
      if stop.signal == 0 { break }
      guard stop.signal == Signals.trap else { return nil }
      outcome.stop = translator.handleTrap(&registers)
    }
    guard outcome.stop == .resumed else { return nil }
    let used = budget - translator.ticksLeft
    translator.stopAtNextTick(&registers)
    while outcome.stop == .resumed {
      registers.write(to: &outcome.state)
      let stop = harness_run(&outcome.state, nil, 0)
      registers = Registers(outcome.state)
      outcome.signal = stop.signal
      outcome.stop = stop.signal == Signals.trap ? translator.handleTrap(&registers) : .foreign
    }
    registers.write(to: &outcome.state)
    return (Int(used), outcome)
  }
}
