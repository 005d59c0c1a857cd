import Execution
import KernelABI
import TraceeControl
import X86

// Signal-delivery-stops: the translator's own traps, writes to code, and signals of the program.
extension SoftwareEngine {
  func signalStop(_ tracee: Tracee, _ state: SoftwareTracee) throws -> Stop? {
    var info = try Ptrace.signalInfo(tracee.tid)
    if info.signal == .trap { try noteWatches(tracee, state) }
    if let repeated = state.repeated {
      if info.signal == .trap, info.code == SignalCode.debugRegister {
        try finishWatched(tracee, state, behind: repeated.next)
        info = try Ptrace.signalInfo(tracee.tid)
      }
      try finishRepeated(tracee, state)
      if info.signal == .trap, info.code == SignalCode.debugRegister {
        if state.repeatedIsRequested { return .step }
        return try isAtLimit(tracee, state) ? .tickLimit : nil
      }
    }
    let registers = try tracee.registers()
    guard let space = space(of: tracee) else {
      return .signal(info, isAtBoundary: info.isFault || registers.syscallNumber >= 0)
    }
    if info.signal == .trap {
      if registers.rip == Gadget.trapAddress.rawValue + 1, let resumed = state.resumed {
        try state.forcedSignals.restore(.trap, state.signalActions, tracee)
        tracee.setRegisters(resumed.application)
        let step = state.step
        state.step = nil
        return step?.isRequested ?? false ? .step : .tickLimit
      }
      if let step = state.step, info.code == SignalCode.trace || info.code == SignalCode.handlerEntry {
        return try finish(step, tracee, state, space, isExecuted: info.code == SignalCode.trace)
      }
      if let step = state.step, info.code == SignalCode.behindCall, registers.rip == step.start {
        // It stood in a system call, and the step was the way out of that.
        state.wantsOriginal = true
        return nil
      }
      if info.code == SignalCode.debugRegister, state.watchHits != 0 {
        return try leaveWatched(tracee, state, space)
      }
      if info.code == SignalCode.kernel, space.cache.translator.zone(containing: registers.rip &- 1) != nil {
        return try trap(tracee, state, space, info)
      }
    }
    let page = info.address.pageStart.rawValue
    let isDenied = info.signal == .segmentationFault && info.code == SignalCode.accessDenied
    if isDenied, space.watchedPages[page] != nil {
      return try touch(info.address, tracee, state, space)
    }
    if isDenied, tracee.addressSpace.writeProtected[page] != nil {
      return try codeWrite(page, tracee, state, space)
    }
    try abandonStep(tracee, state, space)
    if info.isFault { return try fault(info, tracee, state, space) }
    return .signal(info, isAtBoundary: try cleanState(tracee, state))
  }

  // MARK: - Traps of the translator

  private func trap(
    _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace, _ info: SignalInfo
  ) throws -> Stop? {
    var registers = try tracee.registers()
    counts.count(space.cache.translator.trapKind(at: registers.rip &- 1))
    try state.forcedSignals.restore(.trap, state.signalActions, tracee)
    let outcome = request(tracee, state, space) { $0.handleTrap(&registers) }
    if outcome == .foreign { return try fault(info, tracee, state, space) }
    return try act(on: outcome, registers, tracee, state, space)
  }

  /// Lets the translator do something that may count a tick.
  private func request(
    _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace, _ body: (Translator) -> TranslationStop
  ) -> TranslationStop {
    space.cache.translating(space.reader(tracee)) { translator in
      let ticksLeft = translator.ticksLeft
      defer { state.ticks += UInt64(bitPattern: ticksLeft - translator.ticksLeft) }
      return body(translator)
    }
  }

  private func act(
    on outcome: TranslationStop, _ registers: Registers, _ tracee: Tracee, _ state: SoftwareTracee,
    _ space: SoftwareSpace
  ) throws -> Stop? {
    tracee.setRegisters(registers)
    try settle(tracee, space)
    switch outcome {
    case .resumed:
      if let point = space.cache.translator.recoveryPoint(registers.rip) {
        try checkCode(point.applicationAddress, tracee, space)
      }
      state.isInCache = true
      return nil
    case .ticksExhausted:
      return try isAtLimit(tracee, state) ? .tickLimit : nil
    case .breakpoint:
      return .breakpoint
    case .instruction(let kind):
      return try intercept(kind, tracee, state, space)
    case .notCode, .foreign:
      return nil
    case .wildTransfer:
      state.wantsOriginal = true
      return nil
    case .zoneFull:
      counts.flushes += 1
      space.flush()
      return nil
    }
  }

  // MARK: - Instructions that aren't executed in the cache

  func intercept(
    _ kind: Instruction.Kind, _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace
  ) throws -> Stop? {
    var registers = try tracee.registers()
    let start = registers.rip
    guard let instruction = space.cache.translating(space.reader(tracee), { $0.instruction(at: start) }) else {
      return nil
    }
    let byteCount = UInt64(instruction.length)
    switch kind {
    case .rdtsc: return .instruction(.init(.rdtsc, byteCount: byteCount))
    case .rdtscp: return .instruction(.init(.rdtscp, byteCount: byteCount))
    case .rdrand: return .instruction(.init(.rdrand, byteCount: byteCount))
    case .rdseed: return .instruction(.init(.rdseed, byteCount: byteCount))
    case .rdpid: return .instruction(.init(.rdpid, byteCount: byteCount))
    case .cpuid:
      let answer = processor.answer(
        UInt32(truncatingIfNeeded: registers.rax), UInt32(truncatingIfNeeded: registers.rcx))
      registers.rax = UInt64(answer.eax)
      registers.rbx = UInt64(answer.ebx)
      registers.rcx = UInt64(answer.ecx)
      registers.rdx = UInt64(answer.edx)
    case .xgetbv:
      state.wantsOriginal = !EmulatedInstructions.readExtendedControl(
        &registers, length: instruction.length, xcr0: processor.xcr0)
      tracee.setRegisters(registers)
      return nil
    case .xbegin:
      EmulatedInstructions.abortTransaction(&registers, instruction)
      tracee.setRegisters(registers)
      return nil
    case .stateSave:
      try saveState(tracee, state, space)
      return nil
    default:
      state.wantsOriginal = true
      return nil
    }
    registers.rip &+= byteCount
    tracee.setRegisters(registers)
    return nil
  }

  /// An instruction that stores the processor's state. Where its memory can't be written it is executed in its place:
  /// it faults as it must, or makes the stack grow, and is done here after that.
  private func saveState(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws {
    let registers = try tracee.registers()
    let save = space.cache.translating(space.reader(tracee)) { $0.stateSave(at: registers.rip) }
    let outcome = try watching(tracee, state) {
      try save.map {
        try stateSaver.execute($0, tracee) { address in
          space.cache.translator.recoveryPoint(address)?.applicationAddress ?? address
        }
      }
    }
    guard outcome != .executed else { return }
    state.wantsOriginal = true
    state.repeatsStep = save != nil
  }

  // MARK: - Instructions executed in their place

  private func finish(
    _ step: SoftwareTracee.Step, _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace, isExecuted: Bool
  ) throws -> Stop? {
    state.step = nil
    if isExecuted {
      try state.forcedSignals.restore(.trap, state.signalActions, tracee)
    } else if step.hasSignal {
      try state.forcedSignals.noteMask(tracee)
    }
    if state.repeatsStep, isExecuted, let resumed = state.resumed {
      state.repeatsStep = false
      state.passesBreakpoint = true
      tracee.setRegisters(resumed.application)
      return nil
    }
    if isExecuted { try step.push?.finish(tracee) }
    if isExecuted, let instruction = step.instruction {
      let next = try tracee.registers().rip
      state.ticks += UInt64(space.cache.translator.ticks(of: instruction, at: step.start, goingTo: next))
    }
    try dropWritten(tracee, state, space)
    if step.isRequested { return .step }
    return try isAtLimit(tracee, state) ? .tickLimit : nil
  }

  /// The instruction hasn't been executed: a signal came first, or it faulted.
  private func abandonStep(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws {
    state.step = nil
    state.repeatsStep = false
    try dropWritten(tracee, state, space)
  }

  private func dropWritten(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws {
    guard !state.pagesWritten.isEmpty else { return }
    let pages = state.pagesWritten
    state.pagesWritten = []
    try space.drop(pages, tracee)
  }

  /// The program writes to a page with translations: it does so in its own code, and they are dropped afterwards.
  private func codeWrite(
    _ page: UInt64, _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace
  ) throws -> Stop? {
    counts.codeWrites += 1
    try state.forcedSignals.restore(.segmentationFault, state.signalActions, tracee)
    if state.step == nil {
      var registers = try tracee.registers()
      guard space.cache.translator.recover(&registers) != .inTransfer else {
        try space.unprotect(page, tracee)
        try space.drop(space.codePages(writtenAt: page), tracee)
        state.isInCache = true
        return nil
      }
      tracee.setRegisters(registers)
    }
    try space.unprotect(page, tracee)
    state.pagesWritten += space.codePages(writtenAt: page)
    state.wantsOriginal = true
    return nil
  }

  // MARK: - Faults

  private func fault(
    _ info: SignalInfo, _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace
  ) throws -> Stop? {
    var registers = try tracee.registers()
    let place = registers.rip
    if space.cache.translator.recoverFromCondition(&registers) {
      // Whoever set the breakpoint sees what is wrong with its condition.
      try state.forcedSignals.restore(info.signal, state.signalActions, tracee)
      tracee.setRegisters(registers)
      return .breakpoint
    }
    switch space.cache.translator.recover(&registers) {
    case .recovered, .behindSystemCall:
      try checkCode(registers.rip, tracee, space)
      tracee.setRegisters(registers)
      var info = info
      // SIGILL and SIGFPE name the instruction (sigaction(2), si_addr).
      if info.address.rawValue == place { info.address = RemotePointer(registers.rip) }
      return .signal(info, isAtBoundary: true)
    case .foreign:
      return .signal(info, isAtBoundary: true)
    case .inTransfer:
      let outcome = request(tracee, state, space) { $0.completeTransfer(&registers) }
      return try act(on: outcome, registers, tracee, state, space)
    }
  }
}

extension SignalCode {
  /// SIGTRAP itself: a signal's frame was built while stepping (kernel/signal.c, signal_setup_done).
  static let handlerEntry: Int32 = 5
  /// SEGV_ACCERR
  static let accessDenied: Int32 = 2
}
