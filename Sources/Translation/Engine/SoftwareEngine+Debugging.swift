package import Execution
package import KernelABI
import SystemPackage
package import TraceeControl

// What only debuggers ask for: breakpoints, watched memory, and copies of tracees.
extension SoftwareEngine {
  package func setBreakpoints(_ breakpoints: CodeBreakpoints, in tracee: Tracee) throws {
    space(of: tracee)?.cache.setBreakpoints(breakpoints)
  }

  package func setWatchedPages(_ pages: [UInt64: Bool], in tracee: Tracee) throws {
    try space(of: tracee)?.watch(pages, tracee)
  }

  package func visibleRegisters(of tracee: Tracee) throws -> Registers {
    var registers = try tracee.registers()
    guard let space = space(of: tracee) else { return registers }
    space.cache.translating(space.reader(tracee)) { $0.clearDeadFlags(&registers) }
    return registers
  }

  package func didCopy(_ original: Tracee, to copy: Tracee) throws {
    try didClone(parent: original, child: copy)
    let (old, new) = (state(of: original), state(of: copy))
    new.ticks = old.ticks
    new.wantsOriginal = old.wantsOriginal
    new.repeatsStep = old.repeatsStep
  }

  package func didRestore(_ tracee: Tracee, ticks: UInt64) { state(of: tracee).ticks = ticks }

  // MARK: - Watched memory

  func noteWatches(_ tracee: Tracee, _ state: SoftwareTracee) throws {
    guard tracee.watches else { return }
    state.watchHits |= try tracee.takeWatchStatus()
  }

  /// Does something to the tracee's memory in its stead, which debug registers don't see.
  func watching<R>(_ tracee: Tracee, _ state: SoftwareTracee, _ body: () throws -> R) rethrows -> R {
    guard tracee.watches || !(space(of: tracee)?.watchedPages.isEmpty ?? true) else { return try body() }
    func values() -> [[UInt8]?] {
      tracee.debugRegisters.slots.map { slot in slot.flatMap { tracee.readBytes($0.address, count: $0.byteCount) } }
    }
    let before = values()
    defer {
      for (slot, pair) in zip(before, values()).enumerated() where slot != Tracee.executionSlot && pair.0 != pair.1 {
        state.watchHits |= 1 << UInt8(slot)
      }
      // Whoever watches pages compares them.
      if !(space(of: tracee)?.watchedPages.isEmpty ?? true) { state.touched = state.touched ?? .null }
    }
    return try body()
  }

  /// A stop at which watched memory was touched is one because of that, wherever else it is.
  func reportWatches(_ tracee: Tracee, _ state: SoftwareTracee, _ stop: Stop?) throws -> Stop? {
    guard !state.isInCache, !state.wantsOriginal, state.step == nil, state.repeated == nil else { return stop }
    if !state.liftedPages.isEmpty {
      try space(of: tracee)?.watchAgain(state.liftedPages, tracee)
      state.liftedPages = []
    }
    guard state.watchHits != 0 || state.touched != nil else { return stop }
    switch stop {
    case nil, .step, .tickLimit, .breakpoint:
      defer { (state.watchHits, state.touched) = (0, nil) }
      return .watchpoint(WatchHit(slots: state.watchHits, address: state.touched))
    default:
      return stop
    }
  }

  /// The program touches a watched page: it does so in its own code, without the protection.
  func touch(
    _ address: RemotePointer, _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace
  ) throws -> Stop? {
    let page = address.pageStart.rawValue
    try state.forcedSignals.restore(.segmentationFault, state.signalActions, tracee)
    if state.step == nil {
      var registers = try tracee.registers()
      if space.cache.translator.recover(&registers) == .inTransfer {
        try space.liftWatch(page, tracee)
        state.liftedPages.append(page)
        state.touched = state.touched ?? address
        return try leaveWatched(tracee, state, space)
      }
      tracee.setRegisters(registers)
    }
    try space.liftWatch(page, tracee)
    state.liftedPages.append(page)
    state.touched = state.touched ?? address
    if space.cache.pages[page] != nil { state.pagesWritten += space.codePages(writtenAt: page) }
    state.wantsOriginal = true
    return nil
  }

  /// Lets a repeated instruction that touches watched memory run to its end at `next`.
  func finishWatched(_ tracee: Tracee, _ state: SoftwareTracee, behind next: UInt64) throws {
    while try tracee.registers().rip != next {
      try tracee.resume()
      let status = try tracee.wait()
      counts.stops += 1
      guard case .signalStop(.trap) = status else { return try checkWatched(tracee, status) }
      try noteWatches(tracee, state)
    }
  }

  /// A translation has touched watched memory, somewhere within an instruction: lets it run on, step by step, to where
  /// the next instruction begins.
  func leaveWatched(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws -> Stop? {
    let translator = space.cache.translator
    while true {
      var registers = try tracee.registers()
      let point = translator.recoveryPoint(registers.rip)
      if let point, point.isStart, !point.isStale {
        registers.rip = point.applicationAddress
        translator.clearDeadFlags(&registers)
        tracee.setRegisters(registers)
        if let rest = try RepeatedInstruction(tracee) {
          // In the midst of it, as far as can be told.
          try run(rest, tracee, state, isRequested: false)
          let status = try tracee.wait()
          counts.stops += 1
          try checkWatched(tracee, status)
          try noteWatches(tracee, state)
          try finishWatched(tracee, state, behind: rest.next)
          try finishRepeated(tracee, state)
        }
        return nil
      }
      let ticksLeft = translator.ticksLeft
      let status = try tracee.stepAlone()
      state.ticks += UInt64(bitPattern: ticksLeft - translator.ticksLeft)
      counts.stops += 1
      try checkWatched(tracee, status)
      try noteWatches(tracee, state)
      registers = try tracee.registers()
      guard try Ptrace.signalInfo(tracee.tid).code == SignalCode.kernel else { continue }
      try state.forcedSignals.restore(.trap, state.signalActions, tracee)
      let before = translator.ticksLeft
      let outcome = space.cache.translating(space.reader(tracee)) { $0.handleTrap(&registers) }
      state.ticks += UInt64(bitPattern: before - translator.ticksLeft)
      if outcome == .foreign { continue }
      tracee.setRegisters(registers)
      try settle(tracee, space)
      if outcome == .wildTransfer { state.wantsOriginal = true }
      if outcome != .resumed { return nil }
    }
  }

  private func checkWatched(_ tracee: Tracee, _ status: WaitStatus) throws {
    if case .signalStop = status { return }
    guard status.rawExit == nil else { throw TraceeDied(status: status) }
    throw KernelError("leave an instruction that touched watched memory: \(status)", tid: tracee.tid, errno: .ioError)
  }
}
