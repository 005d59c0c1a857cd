package import KernelABI
package import X86

/// What a trap in the cache turned out to be.
package enum TranslationStop: Equatable, Sendable {
  /// The registers lead back into the cache: let the tracee go on.
  case resumed
  /// The ticks have run out. The registers are the application's, at the transfer's target.
  case ticksExhausted
  /// The registers are the application's, at an instruction that isn't executed in the cache.
  case instruction(Instruction.Kind)
  /// The registers are the application's, at a breakpoint set by `setBreakpoints`.
  case breakpoint
  /// The registers are the application's, at an address without code: to go on from here is to fault.
  case notCode
  /// The registers are the application's, at an indirect transfer to an address that isn't canonical: to execute it is
  /// to fault.
  case wildTransfer
  /// The registers are the application's; translations must be dropped to make room before it can go on.
  case zoneFull
  /// No trap of the translator's. The registers are as they were.
  case foreign
}

/// What was found at an address in the cache that isn't a trap.
package enum RecoveryOutcome: Equatable, Sendable {
  /// The registers are the application's now, at the instruction that was under way or about to begin.
  case recovered
  /// The same, behind a system call: rcx holds the application's return address.
  case behindSystemCall
  /// In the middle of a transfer: with the tracee let run on, or with the ticks left set to one, it comes to a clean
  /// state by itself. If it faulted here, call `completeTransfer`.
  case inTransfer
  /// Not in a translation. The registers are as they were.
  case foreign
}

extension Translator {
  /// Handles an `int3` in the cache: `registers.rip` is behind it, as the kernel reports it.
  ///
  /// Resolves what the translator can resolve by itself; the registers lead into the cache again then. In every other
  /// case but `foreign` they become the application's.
  package func handleTrap(_ registers: inout Registers) -> TranslationStop {
    let stop = identifyTrap(&registers)
    switch stop {
    case .resumed, .foreign: break
    default: clearDeadFlags(&registers)
    }
    return stop
  }

  /// What the trap at `address` in the cache asks for; nil where a translation was dropped, or there is none.
  func trapKind(at address: UInt64) -> ExitStub.Kind? {
    guard let zone = zone(containing: address), zone.memory[zone.offset(of: address)] == 0xCC else { return nil }
    let offset = zone.offset(of: address)
    let point = offset < zone.hot ? zone.recovery.pointee.point(at: offset) : nil
    if let point, point.isStart, point.isStale { return nil }
    return ExitStub.Kind(rawValue: zone.memory[offset + 1])
  }

  private func identifyTrap(_ registers: inout Registers) -> TranslationStop {
    let trap = registers.rip &- 1
    guard let zone = zone(containing: trap) else { return .foreign }
    let offset = zone.offset(of: trap)
    guard zone.memory[offset] == 0xCC else { return .foreign }
    let point = offset < zone.hot ? zone.recovery.pointee.point(at: offset) : nil
    if let point, point.isStart, point.isStale { return go(to: point.applicationAddress, &registers) }
    guard let kind = ExitStub.Kind(rawValue: zone.memory[offset + 1]) else { return .foreign }
    switch kind {
    case .link:
      let link = links.pointee[Int(zone.readDword(offset + 2))]
      return link.ticks ? tickAndGo(to: link.target, &registers) : go(to: link.target, &registers)
    case .miss:
      return completeTransfer(&registers)
    case .tick:
      return counterExhausted(at: zone.readQword(offset + 2), &registers)
    case .tickWithSpill:
      registers.rcx = spill
      return counterExhausted(at: zone.readQword(offset + 2), &registers)
    case .instruction:
      guard let point, let instruction = Instruction.Kind(rawValue: zone.memory[offset + 2]) else { return .foreign }
      registers.rip = point.applicationAddress
      return .instruction(instruction)
    case .breakpoint:
      guard let point else { return .foreign }
      registers.rip = point.applicationAddress
      return .breakpoint
    }
  }

  /// Turns the registers of a tracee that stopped anywhere in the cache into the application's, if that can be done.
  package func recover(_ registers: inout Registers) -> RecoveryOutcome {
    guard let zone = zone(containing: registers.rip) else { return .foreign }
    let offset = zone.offset(of: registers.rip)
    guard offset < zone.hot, let point = zone.recovery.pointee.point(at: offset) else {
      return offset >= zone.cold ? .inTransfer : .foreign
    }
    switch point.recipe {
    case .plain:
      registers.rip = point.applicationAddress
      clearDeadFlags(&registers)
      return .recovered
    case .spilled(let register):
      registers[register] = spill
      registers.rip = point.applicationAddress
      clearDeadFlags(&registers)
      return .recovered
    case .afterSystemCall:
      registers.rip = point.applicationAddress
      registers.rcx = point.applicationAddress
      return .behindSystemCall
    case .inTransfer:
      return .inTransfer
    }
  }

  /// Makes a tracee that stopped anywhere in the cache, with `registers` as they are there, stop at the next tick that
  /// it counts. The caller has taken the ticks used so far from `ticksLeft` before.
  ///
  /// Where flags are live the counter is decremented in rcx: between its load and its store the new value goes there.
  package func stopAtNextTick(_ registers: inout Registers) {
    ticksLeft = 1
    guard let zone = zone(containing: registers.rip) else { return }
    let offset = zone.offset(of: registers.rip)
    guard offset < zone.hot, zone.recovery.pointee.point(at: offset)?.recipe == .inTransfer else { return }
    for number in 0..<TickCounters.count {
      let counter = RuntimeLayout.tickCounter(number)
      if let counted = CodeWriter.countedInRCX(zone.memory + offset, storingTo: counter) {
        registers.rcx = counted ? 0 : 1
      }
    }
  }

  /// Clears the status flags that don't matter at `registers.rip`, which is an application address.
  ///
  /// Where flags are dead, ticks are counted without saving them, and what they are then depends on the counter.
  /// Clearing them gives every stop the same registers, whatever the budget was. All stops do it by themselves; call
  /// it for registers that are to be compared and come from elsewhere.
  package func clearDeadFlags(_ registers: inout Registers) {
    var code = ReliableCode(unit, pages, from: registers.rip)
    let live = FlagLiveness.liveFlags(at: registers.rip, &code)
    registers.eflags &= ~UInt64(StatusFlags.all.subtracting(live).eflags)
    pages.pointee.dropUnreliable()
  }

  /// What the cache address `address` belongs to.
  package func recoveryPoint(_ address: UInt64) -> RecoveryPoint? {
    guard let zone = zone(containing: address) else { return nil }
    let offset = zone.offset(of: address)
    return offset < zone.hot ? zone.recovery.pointee.point(at: offset) : nil
  }

  /// Does what is left of an indirect transfer that has found no landing, or faulted on its way to one because the
  /// upper bits of its target aren't zero.
  package func completeTransfer(_ registers: inout Registers) -> TranslationStop {
    registers.rcx = spill
    let target = transferTarget
    let isCanonical = (Int64(bitPattern: target) << 16) >> 16 == Int64(bitPattern: target)
    guard !isCanonical, let source = source(of: transferSource) else {
      return tickAndGo(to: target, &registers, landing: true)
    }
    // The processor faults at the transfer, before it has done anything.
    registers.rip = source.applicationAddress
    if let (instruction, _) = pages.pointee.decode(source.applicationAddress) {
      switch instruction.kind {
      case .nearReturn: registers.rsp &-= 8 &+ UInt64(truncatingIfNeeded: instruction.relative)
      case .indirectCall: registers.rsp &+= 8
      default: break
      }
    }
    pages.pointee.dropUnreliable()
    clearDeadFlags(&registers)
    return .wildTransfer
  }

  private func source(of position: CachePosition) -> RecoveryPoint? {
    guard position.zone < zones.count, position.offset < zones[position.zone].hot else { return nil }
    return zones[position.zone].recovery.pointee.point(at: position.offset)
  }

  /// Makes the registers, which are the application's, lead into the cache.
  package func go(to address: UInt64, _ registers: inout Registers) -> TranslationStop {
    registers.rip = address
    do throws(TranslationError) {
      registers.rip = try enter(address)
      return .resumed
    } catch {
      switch error {
      case .notCode: return .notCode
      case .zoneFull, .noZone: return .zoneFull
      }
    }
  }

  /// A counter has reached zero in front of `address`: the others may have ticks left.
  private func counterExhausted(at address: UInt64, _ registers: inout Registers) -> TranslationStop {
    registers.rip = address
    let left = ticksLeft
    guard left > 0 else { return .ticksExhausted }
    ticksLeft = left
    return go(to: address, &registers)
  }

  /// Counts the tick of a transfer that the translated code has begun, and goes to its target.
  private func tickAndGo(to target: UInt64, _ registers: inout Registers, landing: Bool = false) -> TranslationStop {
    registers.rip = target
    if countsTransfers {
      ticksLeft -= 1
      if ticksLeft == 0 { return .ticksExhausted }
    }
    let stop = go(to: target, &registers)
    if landing && stop == .resumed { addLanding(target) }
    return stop
  }
}
