import CLinuxShim
package import Execution
package import KernelABI
import SystemPackage
package import TraceeControl
import X86

/// Runs tracees in translations of their code, which count ticks: exact stops without a hardware counter.
///
/// The application's code is never executed where it is, with three exceptions: an instruction that can't be
/// translated or has to be seen by the kernel in its place is stepped over there; so is one that a signal is delivered
/// with; and a system call that a signal has interrupted is made again there.
package final class SoftwareEngine: Engine {
  package let name = "software"
  package let tickUnit: TickUnit?
  package let interceptsCPUID = true

  let options: TranslationOptions
  let processor: ProcessorIdentity
  let stateSaver: StateSaver
  /// Translations of images that have been started, newest last: the next process of the same program starts with them.
  private var templates: [Template] = []
  let counts = SoftwareCounts()
  /// Grows whenever shared memory may have been written to in a way that an address space doesn't notice.
  private var fileVersion: UInt64 = 1
  /// The address space that ran last.
  private weak var lastSpace: SoftwareSpace?

  private struct Template {
    var image: [ProcessMapping]
    var cache: CodeCache
  }

  private static let templateCountMax = 8
  /// Those that no process uses are kept up to this size.
  private static let templateByteCountMax = 8 << 20

  package init(options: TranslationOptions = TranslationOptions(), processor: ProcessorIdentity) {
    self.options = options
    tickUnit =
      switch options.tickDefinition {
      case .nonForwardTransfers: .nonForwardTransfers
      case .retiredConditionalBranches: .retiredConditionalBranches
      case .none: nil
      }
    self.processor = processor
    let machine = ExtendedStateLayout { subleaf in
      var result: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
      withUnsafeMutableBytes(of: &result) {
        rrs_cpuid(0xd, subleaf, $0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self))
      }
      return (result.0, result.1, result.2)
    }
    let program = ExtendedStateLayout { subleaf in
      let answer = processor.answer(0xd, subleaf)
      return (answer.eax, answer.ebx, answer.ecx)
    }
    stateSaver = StateSaver(machine: machine, program: program, xcr0: processor.xcr0)
  }

  func state(of tracee: Tracee) -> SoftwareTracee {
    if let state = tracee.engineState as? SoftwareTracee { return state }
    let state = SoftwareTracee()
    tracee.engineState = state
    return state
  }

  func space(of tracee: Tracee) -> SoftwareSpace? { tracee.addressSpace.engineState as? SoftwareSpace }

  package var statisticsLines: [String] {
    counts.lines(live: templates.map(\.cache.translator.statistics))
  }

  package func ticks(of tracee: Tracee) -> UInt64 { state(of: tracee).ticks }

  // MARK: - Running

  package func resume(_ tracee: Tracee, _ request: RunRequest) throws {
    let state = state(of: tracee)
    guard let space = space(of: tracee), !state.isLeaving else { return try passThrough(tracee, request) }
    if space !== lastSpace {
      lastSpace = space
      fileVersion += 1
    }
    switch request {
    case .application(let signal?, let limit):
      state.limit = limit
      try stepOriginal(tracee, state, space, isRequested: false, signal: signal)
    case .application(nil, let limit):
      state.limit = limit
      try run(tracee, state, space)
    case .systemCall:
      try enterCall(tracee, state)
    case .step(let signal):
      state.limit = nil
      try stepOriginal(tracee, state, space, isRequested: true, signal: signal)
    case .groupStop:
      try note(tracee, state)
      try tracee.flushRegisters()
      try Ptrace.listen(tracee.tid)
    }
  }

  /// Before the first image, and after the last instruction.
  private func passThrough(_ tracee: Tracee, _ request: RunRequest) throws {
    switch request {
    case .application(let signal, _): try tracee.resume(signal: signal)
    case .systemCall: try tracee.resumeToSyscallStop()
    case .step(let signal): try tracee.step(signal: signal)
    case .groupStop:
      try tracee.flushRegisters()
      try Ptrace.listen(tracee.tid)
    }
  }

  /// Keeps the registers, to tell later whether anything has been executed.
  private func note(_ tracee: Tracee, _ state: SoftwareTracee, application: Registers? = nil) throws {
    let registers = try tracee.registers()
    state.resumed = (registers, application ?? registers)
  }

  private func run(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws {
    let application = try tracee.registers()
    if state.wantsOriginal {
      return try stepOriginal(tracee, state, space, isRequested: false, signal: nil)
    }
    if !state.isInCache {
      if isRestarting(application) {
        // The kernel goes two bytes back to make the call again, or builds a signal frame that does: from the
        // application's instruction pointer. No instruction but the system call can follow.
        try note(tracee, state)
        return try tracee.resume()
      }
      if try isAtLimit(tracee, state) { return try bounce(tracee, state) }
      if isBehindLastTick(state), !standsBeforeInterceptedInstruction(tracee) {
        return try stepTowardsPoint(tracee, state, space)
      }
      try space.checkWrittenCode(fileVersion, tracee)
      guard try enter(tracee, state, space) else {
        return try stepOriginal(tracee, state, space, isRequested: false, signal: nil)
      }
      try note(tracee, state, application: application)
    } else {
      state.resumed = nil
    }
    let budget = state.limit.map { Int64(clamping: max($0.ticks, state.ticks + 1) - state.ticks) } ?? Int64.max
    state.budget = budget
    space.cache.translator.ticksLeft = budget
    state.isInCache = false
    try tracee.resume()
  }

  /// The results of a system call that a signal interrupted (include/linux/errno.h, ERESTARTSYS and its kin).
  private func isRestarting(_ registers: Registers) -> Bool {
    registers.syscallNumber >= 0 && (-516 ... -512).contains(registers.syscallResult)
  }

  /// Leads the registers, which are the application's, into the cache. False: there is no code to go to.
  private func enter(_ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace) throws -> Bool {
    var registers = try tracee.registers()
    let target = Self.vsyscall(registers.rip) ?? registers.rip
    var outcome = space.cache.translating(space.reader(tracee)) { $0.go(to: target, &registers) }
    if outcome == .zoneFull {
      counts.flushes += 1
      space.flush()
      outcome = space.cache.translating(space.reader(tracee)) { $0.go(to: target, &registers) }
    }
    guard outcome == .resumed else {
      guard outcome == .notCode else {
        throw KernelError("translate the code at \(RemotePointer(target))", tid: tracee.tid, errno: .noMemory)
      }
      return false
    }
    if !state.isMidRun || state.passesBreakpoint {
      registers.rip = space.cache.translator.behindBreakpoint(target, entry: registers.rip)
    }
    state.passesBreakpoint = false
    try settle(tracee, space)
    tracee.setRegisters(registers)
    return true
  }

  /// Does in the tracee what translating asks for.
  func settle(_ tracee: Tracee, _ space: SoftwareSpace) throws {
    try space.protectNewPages(tracee)
    try space.mapCache(in: tracee)
  }

  /// The legacy calls of the vsyscall page (arch/x86/entry/vsyscall): as code that can be translated.
  private static func vsyscall(_ address: UInt64) -> UInt64? {
    let base: UInt64 = 0xffff_ffff_ff60_0000
    guard address >= base, address < base + 0xc00, address & 0x3ff == 0 else { return nil }
    return Gadget.vsyscallsAddress.rawValue + 16 * ((address - base) >> 10)
  }

  /// Stops again at once: the tracee is where it is to stop.
  private func bounce(_ tracee: Tracee, _ state: SoftwareTracee) throws {
    let application = try tracee.registers()
    var registers = application
    registers.rip = Gadget.trapAddress.rawValue
    registers.origRax = UInt64.max
    tracee.setRegisters(registers)
    try note(tracee, state, application: application)
    try tracee.resume()
  }

  /// Goes on into the system call that the tracee stands before.
  private func enterCall(_ tracee: Tracee, _ state: SoftwareTracee) throws {
    if let place = state.call {
      var registers = try tracee.registers()
      if registers.rip == place.inApplication {
        registers.rip = place.inCache
        tracee.setRegisters(registers)
      }
    }
    state.resumed = nil
    try tracee.resumeToSyscallStop()
  }

  /// Executes one instruction where the program has it; a signal is delivered first.
  func stepOriginal(
    _ tracee: Tracee, _ state: SoftwareTracee, _ space: SoftwareSpace, isRequested: Bool, signal: Signal?
  ) throws {
    let registers = try tracee.registers()
    let isRequested = isRequested || state.step?.isRequested ?? false
    state.wantsOriginal = false
    state.passesBreakpoint = false
    let start = registers.rip
    let instruction =
      signal == nil
      ? space.cache.translating(space.reader(tracee)) { $0.instruction(at: start) } : nil
    if isRequested, signal == nil, let kind = instruction?.kind, isEmulated(kind) {
      _ = try intercept(kind, tracee, state, space)
      if !state.wantsOriginal {
        state.step = .init(start: start, instruction: instruction, isRequested: true, hasSignal: false)
        return try bounce(tracee, state)
      }
      state.wantsOriginal = false
    }
    if isRequested, signal == nil, let repeated = try RepeatedInstruction(tracee) {
      return try run(repeated, tracee, state, isRequested: true)
    }
    let push = try signal == nil ? SteppedPush(tracee) : nil
    state.step = .init(
      start: start, instruction: instruction, push: push, isRequested: isRequested, hasSignal: signal != nil)
    counts.originals += 1
    try note(tracee, state)
    try tracee.step(signal: signal)
  }

  // MARK: - Stops

  package func interpret(_ tracee: Tracee, _ status: WaitStatus) throws -> Stop? {
    let state = state(of: tracee)
    counts.stops += 1
    countTicks(tracee, state)
    let stop = try reportWatches(tracee, state, stop(tracee, state, status))
    switch stop {
    case nil, .signal(_, isAtBoundary: false)?: state.isMidRun = true
    case .groupStop?: break
    default: state.isMidRun = false
    }
    return stop
  }

  private func stop(_ tracee: Tracee, _ state: SoftwareTracee, _ status: WaitStatus) throws -> Stop? {
    switch status {
    case .exited, .killed:
      tracee.isAlive = false
      return .exited(status)
    case .syscallStop:
      try leaveCall(tracee, state)
      try noteSignalCalls(tracee, state)
      return .syscallExit
    case .event(.seccomp, _):
      return try standBeforeCall(tracee, state) ? .syscallEntry : nil
    case .event(.exit, _):
      try leaveCall(tracee, state)
      state.isLeaving = true
      return .exiting(rawStatus: Int32(truncatingIfNeeded: try Ptrace.eventMessage(tracee.tid)))
    case .event(.exec, _):
      state.call = nil
      state.step = nil
      return .execed(formerTid: Tid(Int32(truncatingIfNeeded: try Ptrace.eventMessage(tracee.tid))))
    case .event(.fork, _): return try .cloned(newTid(tracee, state), .fork)
    case .event(.vfork, _): return try .cloned(newTid(tracee, state), .vfork)
    case .event(.clone, _): return try .cloned(newTid(tracee, state), .clone)
    case .event(.vforkDone, _), .continued:
      return nil
    case .event(.stop, let signal):
      try finishRepeated(tracee, state)
      state.isMidRun = try !cleanState(tracee, state)
      return .groupStop(signal == .trap ? nil : signal)
    case .signalStop:
      return try signalStop(tracee, state)
    }
  }

  private func newTid(_ tracee: Tracee, _ state: SoftwareTracee) throws -> Tid {
    try leaveCall(tracee, state)
    return Tid(Int32(truncatingIfNeeded: try Ptrace.eventMessage(tracee.tid)))
  }

  /// Adds what the tracee has counted since it was let run.
  private func countTicks(_ tracee: Tracee, _ state: SoftwareTracee) {
    guard let budget = state.budget, let space = space(of: tracee) else { return }
    state.budget = nil
    state.ticks += UInt64(bitPattern: budget - space.cache.translator.ticksLeft)
  }

  package func standsBeforeInterceptedInstruction(_ tracee: Tracee) -> Bool {
    guard let space = space(of: tracee), let start = try? tracee.registers().rip else { return false }
    let instruction = space.cache.translating(space.reader(tracee)) { $0.instruction(at: start) }
    switch instruction?.kind {
    case .rdtsc, .rdtscp, .rdrand, .rdseed, .rdpid: return true
    default: return false
    }
  }

  /// Whether an instruction's result is the engine's, and no event.
  private func isEmulated(_ kind: Instruction.Kind) -> Bool {
    switch kind {
    case .cpuid, .xgetbv, .xbegin, .stateSave: true
    default: false
    }
  }

  /// At a system call's entry: the registers become the application's, and the place in the cache is kept. False: the
  /// call has to be made anew.
  private func standBeforeCall(_ tracee: Tracee, _ state: SoftwareTracee) throws -> Bool {
    state.call = nil
    if state.step != nil { try tracee.hideTrapFlagOfCall() }
    state.step = nil
    guard let space = space(of: tracee) else { return true }
    var registers = try tracee.registers()
    let inCache = registers.rip
    if space.cache.translator.recover(&registers) == .behindSystemCall {
      try checkCode(registers.rip - 2, tracee, space)
      state.call = .init(inCache: inCache, inApplication: registers.rip)
      tracee.setRegisters(registers)
    }
    guard try space.releaseArguments(registers, tracee) else { return true }
    // A call made in the tracee while it stands before one of its own takes that one's place.
    state.call = nil
    registers.rip -= 2
    registers.rax = registers.origRax
    registers.origRax = UInt64.max
    tracee.setRegisters(registers)
    state.passesBreakpoint = true
    return false
  }

  /// In or behind a system call: the registers become the application's.
  private func leaveCall(_ tracee: Tracee, _ state: SoftwareTracee) throws {
    var registers = try tracee.registers()
    if let place = state.call, registers.rip == place.inCache || registers.rip == place.inCache - 2 {
      if registers.rcx == place.inCache { registers.rcx = place.inApplication }
      registers.rip = place.inApplication - (place.inCache - registers.rip)
      tracee.setRegisters(registers)
    } else if let space = space(of: tracee), space.cache.translator.zone(containing: registers.rip) != nil {
      // Killed in the middle of code.
      if case .recovered = space.cache.translator.recover(&registers) { tracee.setRegisters(registers) }
    }
  }

  /// Keeps track of what the program does with the signals that traps raise.
  private func noteSignalCalls(_ tracee: Tracee, _ state: SoftwareTracee) throws {
    let registers = try tracee.registers()
    switch registers.syscallNumber {
    case SyscallNumber.rt_sigaction where registers.syscallResult == 0:
      ForcedSignals.noteAction(
        state.signalActions, tracee, signal: registers.argument(0), action: RemotePointer(registers.argument(1)))
    case SyscallNumber.rt_sigprocmask, SyscallNumber.rt_sigreturn, -1:
      // rt_sigreturn(2) leaves no number behind.
      try state.forcedSignals.noteMask(tracee)
    default: break
    }
  }

  /// The registers become the application's, wherever the tracee was stopped from outside. True: it is where the
  /// session last saw it, so that a replay finds the place.
  func cleanState(_ tracee: Tracee, _ state: SoftwareTracee) throws -> Bool {
    var registers = try tracee.registers()
    if let resumed = state.resumed, registers == resumed.processor {
      tracee.setRegisters(resumed.application)
      return !state.isMidRun
    }
    if state.call.map({ registers.rip == $0.inCache }) ?? false {
      try leaveCall(tracee, state)
      return true
    }
    guard let space = space(of: tracee) else { return false }
    let translator = space.cache.translator
    let ticksLeft = translator.ticksLeft
    defer { state.ticks += UInt64(bitPattern: ticksLeft - translator.ticksLeft) }
    while true {
      switch translator.recover(&registers) {
      case .recovered, .behindSystemCall:
        tracee.setRegisters(registers)
        return false
      case .foreign:
        return false
      case .inTransfer:
        // A few instructions on there is a state that is the application's.
        let status = try tracee.stepAlone()
        counts.stops += 1
        guard case .signalStop = status else {
          if status.rawExit != nil { throw TraceeDied(status: status) }
          registers = try tracee.registers()
          continue
        }
        try state.forcedSignals.restore(.trap, state.signalActions, tracee)
        registers = try tracee.registers()
        let outcome = space.cache.translating(space.reader(tracee)) { $0.handleTrap(&registers) }
        if outcome == .foreign { continue }
        tracee.setRegisters(registers)
        try settle(tracee, space)
        if outcome == .wildTransfer { state.wantsOriginal = true }
        if outcome != .resumed { return false }
      }
    }
  }

  /// Whether the tracee executes code that another process left in the cache, and that isn't mapped here.
  func checkCode(_ address: UInt64, _ tracee: Tracee, _ space: SoftwareSpace) throws {
    guard !space.hasCode(address, tracee), !Gadget.range.contains(RemotePointer(address)) else { return }
    throw KernelError(
      "run on: the program jumped to \(RemotePointer(address)), where it has no code", tid: tracee.tid,
      errno: .badAddress)
  }

  // MARK: - Births, images, deaths

  package func didStartImage(_ tracee: Tracee) throws {
    tracee.engineState = nil
    let image = ProcessMaps.read(tracee.tid).filter { $0.isExecutable && !OwnMemory.owns($0.range) }
    let space: SoftwareSpace
    if let index = templates.lastIndex(where: { $0.image == image }) {
      counts.adoptions += 1
      let template = templates.remove(at: index)
      templates.append(template)
      space = SoftwareSpace(cache: template.cache)
      try space.mapCache(in: tracee)
      try space.adopt(tracee)
      templates[templates.count - 1].cache = space.cache
    } else {
      space = SoftwareSpace(cache: try CodeCache(options: options, counts: counts))
      try space.mapCache(in: tracee)
      limitTemplates()
      templates.append(Template(image: image, cache: space.cache))
    }
    tracee.addressSpace.engineState = space
    let state = state(of: tracee)
    try state.forcedSignals.noteMask(tracee)
    ForcedSignals.noteImage(state.signalActions, tracee)
  }

  /// Forgets the oldest translations where there are too many.
  private func limitTemplates() {
    if templates.count == Self.templateCountMax { templates.removeFirst() }
    var kept = 0
    for index in templates.indices.reversed() {
      kept += templates[index].cache.byteCount
      if kept > Self.templateByteCountMax { return templates.removeSubrange(0...index) }
    }
  }

  package func didClone(parent: Tracee, child: Tracee) throws {
    if child.addressSpace !== parent.addressSpace, child.addressSpace.engineState == nil {
      child.addressSpace.engineState = space(of: parent)?.fork()
    }
    let (old, new) = (state(of: parent), state(of: child))
    new.call = old.call
    new.forcedSignals = old.forcedSignals
    new.signalActions = parent.threadGroup === child.threadGroup ? old.signalActions : old.signalActions.copy()
    child.threadGroup.ignoresTraps = new.signalActions.ignores(.trap)
  }

  package func didExit(_ tracee: Tracee) {
    tracee.engineState = nil
    if tracee.addressSpace.tracees == 0 { tracee.addressSpace.engineState = nil }
  }

  package func didChangeMapping(_ tracee: Tracee, _ range: RemoteRange, protection: Int32) throws {
    try space(of: tracee)?.didChangeMapping(range, protection, tracee)
  }

  package func didWriteMemory(_ tracee: Tracee, _ range: RemoteRange) { space(of: tracee)?.didWrite(range) }

  package func didWriteMappedFiles() { fileVersion += 1 }
}
