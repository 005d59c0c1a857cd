import CLinuxShim
package import KernelABI
import SystemPackage
package import TraceeControl

/// Runs tracees natively, while a counter of retired conditional branches says how far they are.
///
/// Ticks alone don't name a place: all instructions between two branches have the same count. A point is its ticks and
/// its registers. To go there, the tracee is interrupted early, by as much as interrupts can be late, and a debug
/// register stops it at the point's instruction until ticks and registers are those looked for.
package final class HardwareEngine: Engine {
  package let name = "hardware"
  package let tickUnit: TickUnit? = .retiredConditionalBranches
  package let interceptsCPUID = false

  private let source: any TickSource
  /// What a stop means, ticks aside.
  private let native = NativeEngine()

  package init(source: any TickSource) { self.source = source }

  private func state(of tracee: Tracee) throws -> HardwareTracee {
    if let state = tracee.engineState as? HardwareTracee { return state }
    let state = HardwareTracee(counter: try source.makeCounter(for: tracee))
    tracee.engineState = state
    return state
  }

  package func ticks(of tracee: Tracee) -> UInt64 { (tracee.engineState as? HardwareTracee)?.ticks ?? 0 }

  // MARK: - Running

  package func resume(_ tracee: Tracee, _ request: RunRequest) throws {
    let state = try state(of: tracee)
    state.isStepping = false
    switch request {
    case .application(let signal, let limit):
      state.limit = limit
      try run(tracee, state, signal)
    case .step(let signal):
      state.limit = nil
      try setBreakpoint(nil, tracee, state)
      state.isStepping = true
      try go(tracee, state, .free, stepping: true, signal: signal)
    case .systemCall, .groupStop:
      state.limit = nil
      try native.resume(tracee, request)
    }
  }

  private func run(_ tracee: Tracee, _ state: HardwareTracee, _ signal: Signal?) throws {
    if state.drain != nil { return try go(tracee, state, .free) }
    switch state.limit {
    case nil:
      try go(tracee, state, .free, signal: signal)
    case .slice(let end):
      if state.ticks >= end { return try bounce(tracee, state) }
      try go(tracee, state, .free, signal: signal, interruptAfter: end - state.ticks)
    case .point(let point):
      switch TickApproach(target: point.ticks, skidMax: source.skidMax).move(at: state.ticks) {
      case .run(let interruptAfter):
        try go(tracee, state, .towards, signal: signal, interruptAfter: interruptAfter)
      case .approach(let ticksLeft):
        try approach(tracee, state, point, ticksLeft: ticksLeft)
      case .overshot:
        try bounce(tracee, state)
      }
    }
  }

  /// The last ticks: to the point's instruction, and a step on from it, until the point is met.
  private func approach(_ tracee: Tracee, _ state: HardwareTracee, _ point: ExecutionPoint, ticksLeft: UInt64) throws {
    guard let target = point.registers else {
      return ticksLeft == 0 ? try bounce(tracee, state) : try go(tracee, state, .near, stepping: true)
    }
    let registers = try tracee.registers()
    if registers.rip == target.rip {
      if ticksLeft == 0, try point.hasRegisters(of: tracee) { return try bounce(tracee, state) }
      if ticksLeft == 0, let rest = try RepeatedInstruction(tracee, until: target) {
        try rest.prepare(tracee)
        state.repeated = rest
        try setBreakpoint(rest.next, tracee, state)
        return try go(tracee, state, .near)
      }
      // With RF set, as it is after a hit, the breakpoint doesn't stop this instruction again.
      if ticksLeft == 0 || registers.eflags & Self.resumeFlag == 0 {
        return try go(tracee, state, .near, stepping: true)
      }
    }
    guard try setBreakpoint(target.rip, tracee, state) else {
      return try go(tracee, state, .near, stepping: true)
    }
    // A tracee that doesn't come by is stopped behind the tick.
    try go(tracee, state, .near, interruptAfter: ticksLeft + 1)
  }

  private func go(
    _ tracee: Tracee, _ state: HardwareTracee, _ phase: HardwareTracee.Phase, stepping: Bool = false,
    signal: Signal? = nil, interruptAfter: UInt64? = nil
  ) throws {
    if phase != .near { try setBreakpoint(nil, tracee, state) }
    state.phase = phase
    state.isCounting = true
    if interruptAfter != nil { rrs_alarm(Self.overdueMilliseconds) }
    state.push = try stepping && signal == nil ? SteppedPush(tracee) : nil
    try state.counter.run(tracee, stepping: stepping, signal: signal, interruptAfter: interruptAfter)
  }

  private static let resumeFlag: UInt64 = 0x1_0000
  /// Interrupts get lost where the kernel thinks that there are too many, or a hypervisor drops them. After this time
  /// it is worth a look.
  private static let overdueMilliseconds: UInt32 = 3000

  /// False: the processor, or who else uses its debug registers, doesn't allow it.
  @discardableResult
  private func setBreakpoint(
    _ address: UInt64?, _ tracee: Tracee, _ state: HardwareTracee
  ) throws(KernelError) -> Bool {
    guard state.breakpoint != address else { return true }
    do {
      try tracee.setExecutionBreakpoint(address.map { RemotePointer($0) })
    } catch let error where error.errno != .noSuchProcess && address != nil {
      try? tracee.setExecutionBreakpoint(nil)
      state.breakpoint = nil
      return false
    }
    state.breakpoint = address
    return true
  }

  /// Stops again at once: the tracee is where it is to stop.
  private func bounce(_ tracee: Tracee, _ state: HardwareTracee) throws {
    let registers = try tracee.registers()
    state.bounced = registers
    var trap = registers
    trap.rip = Gadget.trapAddress.rawValue
    trap.origRax = UInt64.max
    tracee.setRegisters(trap)
    try go(tracee, state, .free)
  }

  package func checkRunning(_ tracee: Tracee) throws {
    guard let state = tracee.engineState as? HardwareTracee, state.isCounting else { return }
    if try state.counter.isOverdue(tracee) {
      try Ptrace.interrupt(tracee.tid)
    } else {
      rrs_alarm(Self.overdueMilliseconds)
    }
  }

  // MARK: - Stops

  package func interpret(_ tracee: Tracee, _ status: WaitStatus) throws -> Stop? {
    let state = try state(of: tracee)
    let hasRun = state.isCounting
    if hasRun {
      state.isCounting = false
      state.ticks += try state.counter.stop(tracee)
    }
    switch status {
    case .exited, .killed, .event(.exit, _):
      return try native.interpret(tracee, status)
    default: break
    }
    if status == .signalStop(.trap) { try state.push?.finish(tracee) }
    let isBounced = try leaveBounce(tracee, state)
    switch status {
    case .event(.seccomp, _):
      try tracee.hideTrapFlagOfCall()
      guard try standsBeforeCall(tracee, state) else { return nil }
    case .signalStop:
      let stop = isBounced ? .tickLimit : try signalStop(tracee, state)
      if stop != nil { try setBreakpoint(nil, tracee, state) }
      return stop
    default:
      try checkDrain(tracee, state)
    }
    try finishRepeated(tracee, state)
    try setBreakpoint(nil, tracee, state)
    try checkSkid(tracee, state)
    // `checkRunning` stops a tracee like this.
    if hasRun, status == .event(.stop, .trap), let limit = state.limit, state.ticks >= limit.ticks { return .tickLimit }
    return try native.interpret(tracee, status)
  }

  private func signalStop(_ tracee: Tracee, _ state: HardwareTracee) throws -> Stop? {
    let info = try Ptrace.signalInfo(tracee.tid)
    if state.counter.isInterrupt(info) { return try interrupted(tracee, state) }
    try checkDrain(tracee, state)
    try finishRepeated(tracee, state)
    try checkSkid(tracee, state)
    if info.signal == .trap, !state.isStepping, state.phase == .near,
      info.code == SignalCode.debugRegister || info.code == SignalCode.trace
    {
      return try met(tracee, state)
    }
    // It stood in a system call, and the step was the way out of that.
    if info.signal == .trap, info.code == SignalCode.behindCall, state.isStepping || state.phase == .near { return nil }
    let stop = try native.interpret(tracee, .signalStop(info.signal))
    // Wherever it is: ticks and registers are a point that a replay finds again.
    if case .signal(let info, _) = stop { return .signal(info, isAtBoundary: true) }
    return stop
  }

  /// Gives the tracee its registers back after `bounce`. True: it has stopped because of that.
  private func leaveBounce(_ tracee: Tracee, _ state: HardwareTracee) throws(KernelError) -> Bool {
    guard let bounced = state.bounced else { return false }
    state.bounced = nil
    let hasTrapped = try tracee.registers().rip == Gadget.trapAddress.rawValue + 1
    tracee.setRegisters(bounced)
    return hasTrapped
  }

  /// The counter's interrupt, on time or from an earlier run.
  private func interrupted(_ tracee: Tracee, _ state: HardwareTracee) throws -> Stop? {
    if let drain = state.drain {
      tracee.setRegisters(drain.call)
      return nil
    }
    try finishRepeated(tracee, state)
    try checkSkid(tracee, state)
    switch state.limit {
    case nil: return nil
    case .slice(let end): return state.ticks >= end ? .tickLimit : nil
    case .point: return state.phase == .near ? try met(tracee, state) : nil
    }
  }

  /// Whether the approach has come to the point, or behind its tick without having met it.
  private func met(_ tracee: Tracee, _ state: HardwareTracee) throws -> Stop? {
    guard case .point(let point) = state.limit, state.ticks >= point.ticks else { return nil }
    return try state.ticks > point.ticks || point.hasRegisters(of: tracee) ? .tickLimit : nil
  }

  /// On the way to a point nothing may be passed, whatever stopped the tracee.
  private func checkSkid(_ tracee: Tracee, _ state: HardwareTracee) throws {
    guard state.phase == .towards, case .point(let point) = state.limit, state.ticks > point.ticks else { return }
    state.phase = .free
    throw CounterError.skidded(tracee, target: point.ticks, ticks: state.ticks, skidMax: source.skidMax)
  }

  private func finishRepeated(_ tracee: Tracee, _ state: HardwareTracee) throws {
    guard let repeated = state.repeated else { return }
    state.repeated = nil
    try repeated.finish(tracee)
  }

  /// At a system call's entry. An interrupt that still waits would interrupt the call in the tracee's stead: the kernel
  /// is made to skip the call, which lets the interrupt out, and the call is made anew. False: that is under way.
  private func standsBeforeCall(_ tracee: Tracee, _ state: HardwareTracee) throws -> Bool {
    if let drain = state.drain {
      state.drain = nil
      try Ptrace.setSignalMask(tracee.tid, drain.mask)
      return true
    }
    guard state.counter.hasPendingInterrupt(tracee) else { return true }
    var registers = try tracee.registers()
    var call = registers
    call.rip -= 2
    call.rax = call.origRax
    call.origRax = UInt64.max
    let mask = try Ptrace.signalMask(tracee.tid)
    state.drain = .init(call: call, mask: mask)
    try Ptrace.setSignalMask(tracee.tid, state.counter.maskButInterrupt)
    registers.origRax = UInt64.max
    tracee.setRegisters(registers)
    return false
  }

  /// Nothing but the interrupt can stop a tracee whose call is skipped for it.
  private func checkDrain(_ tracee: Tracee, _ state: HardwareTracee) throws {
    guard state.drain != nil else { return }
    throw CounterError("an interrupt of the counter that was pending for tracee \(tracee.recordedTid) never came")
  }

  package func standsBeforeInterceptedInstruction(_ tracee: Tracee) -> Bool { false }

  // MARK: - Births, images, deaths

  /// Ticks are those since the image's start.
  package func didStartImage(_ tracee: Tracee) { tracee.engineState = nil }
  package func didClone(parent: Tracee, child: Tracee) {}
  package func didExit(_ tracee: Tracee) { tracee.engineState = nil }
  package func didChangeMapping(_ tracee: Tracee, _ range: RemoteRange, protection: Int32) {}
  package func didWriteMemory(_ tracee: Tracee, _ range: RemoteRange) {}
}

/// What the hardware engine keeps of one tracee.
final class HardwareTracee: NativeTracee {
  let counter: any TickCounter
  /// Its ticks as of its last stop.
  var ticks: UInt64 = 0
  /// It was let run code, and hasn't been looked at since.
  var isCounting = false
  var limit: RunLimit?
  var phase = Phase.free
  /// The address in its debug register.
  var breakpoint: UInt64?
  /// The registers that it has at a stop which the engine makes itself.
  var bounced: Registers?
  var drain: Drain?
  var repeated: RepeatedInstruction?
  var push: SteppedPush?

  init(counter: any TickCounter) { self.counter = counter }

  enum Phase {
    /// To no point.
    case free
    /// To a point that an interrupt comes before.
    case towards
    /// In the last ticks before a point.
    case near
  }

  /// A pending interrupt is let out before a system call.
  struct Drain {
    /// The registers that make the call again.
    var call: Registers
    /// The tracee's signal mask: others wait until it stands before the call again.
    var mask: UInt64
  }
}
