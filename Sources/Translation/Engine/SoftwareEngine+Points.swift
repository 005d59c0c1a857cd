import Execution
import KernelABI
import TraceeControl

// Points. Where ticks are non-forward transfers they name a place, at which the translated code stops by itself. Where
// they are conditional branches, the rest of the way to a point's registers is stepped.
extension SoftwareEngine {
  /// Whether the tracee is to go no further. It can be beyond a point whose registers it hasn't met.
  func isAtLimit(_ tracee: Tracee, _ state: SoftwareTracee) throws(KernelError) -> Bool {
    guard let limit = state.limit, state.ticks >= limit.ticks else { return false }
    guard case .point(let point) = limit, state.ticks == limit.ticks else { return true }
    return try point.hasRegisters(of: tracee)
  }

  /// Whether the point looked for lies before the next tick.
  func isBehindLastTick(_ state: SoftwareTracee) -> Bool {
    guard case .point(let point) = state.limit else { return false }
    return state.ticks == point.ticks
  }

  /// One instruction further in the application's own code, or all iterations of one.
  func stepTowardsPoint(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws {
    guard case .point(let point) = state.limit, let target = point.registers,
      let repeated = try RepeatedInstruction(tracee, until: target)
    else { return try stepOriginal(tracee, state, space, isRequested: false, signal: nil) }
    try run(repeated, tracee, state, isRequested: false)
  }

  /// Executes iterations of an instruction in its place.
  func run(
    _ repeated: RepeatedInstruction, _ tracee: Tracee, _ state: SoftwareTracee, isRequested: Bool
  ) throws {
    try repeated.prepare(tracee)
    state.repeated = repeated
    state.repeatedIsRequested = isRequested
    state.resumed = nil
    try tracee.setExecutionBreakpoint(RemotePointer(repeated.next))
    try tracee.resume()
  }

  /// The tracee has stopped, wherever that is: its registers are what they would be had it been stepped.
  func finishRepeated(_ tracee: Tracee, _ state: SoftwareTracee) throws {
    guard let repeated = state.repeated else { return }
    state.repeated = nil
    try repeated.finish(tracee)
    try tracee.setExecutionBreakpoint(nil)
  }
}
