import X86

/// Writing what changes the flow of control.
extension UnitEmitter {
  /// A conditional branch whose tick, if it has one, is counted at its target.
  mutating func emitBranch(
    _ member: TranslationUnit.Member, _ bytes: UnsafePointer<UInt8>, _ writer: inout CodeWriter
  ) {
    let target = member.instruction.target(at: member.address)
    if member.instruction.kind == .conditionalJump {
      writer.byte(0x0F)
      writer.byte(0x80 | member.instruction.opcode & 15)
    } else {
      // There is no long form: taken, it goes to a jump behind it.
      writer.bytes(bytes, count: Int(member.instruction.length) - 1)
      writer.byte(2)
      writer.byte(0xEB)
      writer.byte(5)
      writer.byte(0xE9)
    }
    addFixup(from: member.address, to: target, ticks: target <= member.address, &writer)
  }

  /// A conditional branch with a tick of its own, counted before it, without changing flags. When the count reaches
  /// zero the branch is executed out of line, so that the stop is behind it.
  mutating func emitCountedBranch(
    _ member: TranslationUnit.Member, _ bytes: UnsafePointer<UInt8>, _ writer: inout CodeWriter
  ) {
    flagSavingTicks += 1
    writer.store(.rcx, absolute: RuntimeLayout.spill)
    zone.recovery.pointee.append(writer.offset, member.address, .inTransfer)
    let counter = RuntimeLayout.tickCounter(TickCounters.number(member.address, isLanding: false))
    writer.load(.rcx, absolute: counter)
    writer.addToRCX(-1)
    writer.store(.rcx, absolute: counter)
    let exhausted = writer.jumpShortIfRCXIsZero()
    writer.load(.rcx, absolute: RuntimeLayout.spill)
    emitBranch(member, bytes, &writer)
    let over = writer.jumpShort()
    writer.settleShort(exhausted)
    writer.jump(to: addBranchExit(member, bytes))
    writer.settleShort(over)
  }

  /// An exit that executes a branch, and says that the ticks have run out, either way.
  private func addBranchExit(_ member: TranslationUnit.Member, _ bytes: UnsafePointer<UInt8>) -> UInt64 {
    let instruction = member.instruction
    var cold = zone.coldWriter(48)
    let start = cold.address
    cold.load(.rcx, absolute: RuntimeLayout.spill)
    if instruction.kind == .conditionalJump {
      cold.byte(0x70 | instruction.opcode & 15)
    } else {
      cold.bytes(bytes, count: Int(instruction.length) - 1)
    }
    cold.byte(10)
    for goesTo in [member.address &+ UInt64(instruction.length), instruction.target(at: member.address)] {
      cold.trap()
      cold.byte(ExitStub.Kind.tick.rawValue)
      cold.qword(goesTo)
    }
    return start
  }

  mutating func emitCall(_ member: TranslationUnit.Member, _ writer: inout CodeWriter) {
    let target = member.instruction.target(at: member.address)
    pushReturnAddress(member, &writer)
    zone.recovery.pointee.append(writer.offset, target, .inTransfer)
    writer.byte(0xE9)
    addFixup(from: member.address, to: target, ticks: target <= member.address, &writer)
  }

  private func pushReturnAddress(_ member: TranslationUnit.Member, _ writer: inout CodeWriter) {
    let next = member.address &+ UInt64(member.instruction.length)
    if next <= 0x7FFF_FFFF {
      writer.push(immediate: Int32(truncatingIfNeeded: next))
    } else {
      writer.push(quadwordAt: zone.literalAddress(next))
    }
  }

  /// `jmp` and `call` through a register or memory: the target goes into rcx, before a call pushes, as its operand
  /// may lie at the stack pointer.
  mutating func emitIndirect(
    _ member: TranslationUnit.Member, _ bytes: UnsafePointer<UInt8>, _ writer: inout CodeWriter
  ) {
    let instruction = member.instruction
    let start = writer.offset
    writer.store(.rcx, absolute: RuntimeLayout.spill)
    if instruction.isRIPRelative {
      var target = Self.operandAddress(member, bytes)
      if instruction.hasAddressSizePrefix { target &= 0xFFFF_FFFF }
      if instruction.hasAddressSizePrefix
        || !writer.loadRCXRIPRelative(bytes, instruction, operandAddress: target)
      {
        expandedOperands += 1
        zone.recovery.pointee.append(writer.offset, member.address, .spilled(.rcx))
        writer.loadRCXThroughRCX(bytes, instruction, operandAddress: target)
      }
    } else {
      writer.loadRCXFromOperand(bytes, instruction)
    }
    if instruction.kind == .indirectCall {
      zone.recovery.pointee.append(writer.offset, member.address, .spilled(.rcx))
      pushReturnAddress(member, &writer)
    }
    dispatch(member, from: start, &writer)
  }

  mutating func emitReturn(_ member: TranslationUnit.Member, _ writer: inout CodeWriter) {
    let start = writer.offset
    writer.store(.rcx, absolute: RuntimeLayout.spill)
    writer.popRCX()
    if member.instruction.relative != 0 { writer.addToRSP(member.instruction.relative) }
    dispatch(member, from: start, &writer)
  }

  /// Goes to the landing of the address in rcx, whose application value is in the spill slot. The transfer's own place,
  /// `start`, is kept for the case that it faults.
  private func dispatch(_ member: TranslationUnit.Member, from start: Int, _ writer: inout CodeWriter) {
    zone.recovery.pointee.append(writer.offset, member.address, .inTransfer)
    let source = CachePosition(zone: zone.number, offset: start)
    writer.store(immediate: source.rawValue, absolute: RuntimeLayout.transferSource)
    writer.store(.rcx, absolute: RuntimeLayout.transferTarget)
    writer.zeroExtendCXIntoECX()
    writer.jumpIndexedByRCX(absolute: UInt32(RuntimeLayout.landingTableAddress))
  }

  // MARK: - Arrivals

  /// Whether code that counts a tick, or a landing, goes in front of an instruction with these marks.
  func needsArrival(_ marks: TranslationUnit.Marks) -> Bool {
    marks.contains(.returnSite) || countsTransfers && !marks.isDisjoint(with: [.tickTarget, .callTarget])
  }

  /// Writes what leads to an instruction from elsewhere, in front of it: a landing if calls return here, then the
  /// tick of those that come by a transfer that counts. Code that falls in jumps over it.
  mutating func emitArrivals(_ member: TranslationUnit.Member, fallsIn: Bool, _ writer: inout CodeWriter) {
    let marks = member.marks
    guard !marks.isEmpty else { return }
    if marks.contains(.returnSite) && !translator.landings.pointee.hasLanding(member.address) {
      emitLanding(member.address, &writer)
      return
    }
    // Functions that are called forward alone so far will be called backward too, by and by; their tick costs
    // nothing where no code falls into it.
    let wanted = marks.contains(.tickTarget) || marks.contains(.callTarget) && !fallsIn
    guard countsTransfers && wanted else { return }
    let over = fallsIn ? writer.jumpShort() : nil
    // Loops begin with their tick: short ones are up to twice as fast when they don't straddle a cache line.
    if marks.contains(.tickTarget) { writer.align(to: marks.contains(.shortLoop) ? 64 : 16) }
    emitTickEntry(member.address, &writer)
    if let over { writer.settleShort(over) }
  }

  /// Writes the code that counts a tick for `address`, whose translation must follow at once.
  mutating func emitTickEntry(_ address: UInt64, _ writer: inout CodeWriter) {
    if flagsAreLive(address) {
      let trap = emitSpilledTickExit(address, &writer)
      noteTickEntry(address, writer.offset)
      zone.recovery.pointee.append(writer.offset, address, .inTransfer)
      writer.store(.rcx, absolute: RuntimeLayout.spill)
      emitFlagSavingTick(address, isLanding: false, exit: trap, &writer)
    } else {
      noteTickEntry(address, writer.offset)
      zone.recovery.pointee.append(writer.offset, address, .inTransfer)
      emitPlainTick(address, isLanding: false, &writer)
    }
  }

  /// Writes a landing for `address`, whose translation, or a jump to it, must follow at once.
  mutating func emitLanding(_ address: UInt64, _ writer: inout CodeWriter) {
    let live = countsTransfers && flagsAreLive(address)
    let exit = live ? emitSpilledTickExit(address, &writer) : 0
    let start = writer.offset
    zone.recovery.pointee.append(start, address, .inTransfer)
    let missField: Int
    if live {
      // The upper 16 bits first: so the code can go straight on to the tick with rcx still spilled.
      writer.loadWordIntoECX(absolute: RuntimeLayout.transferTarget + 6)
      let isCanonical = writer.jumpShortIfRCXIsZero()
      missField = emitMissJump(address, &writer)
      let miss = missField - 1
      writer.settleShort(isCanonical)
      compareTarget(address, &writer)
      let matches = writer.jumpShortIfRCXIsZero()
      let differs = writer.jumpShort()
      writer.settleShort(differs, to: miss)
      noteTickEntry(address, writer.offset)
      writer.store(.rcx, absolute: RuntimeLayout.spill)
      writer.settleShort(matches)
      emitFlagSavingTick(address, isLanding: true, exit: exit, &writer)
    } else {
      compareTarget(address, &writer)
      let matches = writer.jumpShortIfRCXIsZero()
      missField = emitMissJump(address, &writer)
      writer.settleShort(matches)
      writer.loadWordIntoECX(absolute: RuntimeLayout.transferTarget + 6)
      writer.loadRCXIndexedByRCX(absolute: RuntimeLayout.spill)
      if countsTransfers {
        noteTickEntry(address, writer.offset)
        emitPlainTick(address, isLanding: true, &writer)
      }
    }
    translator.statistics.landings += 1
    translator.landings.pointee.add(
      address, cacheAddress: zone.address(start), missField: missField, zone: zone.number)
  }

  /// Makes ecx zero if bits 16 to 47 of the transfer's target are those of `address`.
  private func compareTarget(_ address: UInt64, _ writer: inout CodeWriter) {
    writer.loadECX(absolute: RuntimeLayout.transferTarget + 2)
    writer.addToECX(0 &- Int32(truncatingIfNeeded: address >> 16))
  }

  /// Jumps to the landing behind the one for `address` that is being written.
  private func emitMissJump(_ address: UInt64, _ writer: inout CodeWriter) -> Int {
    if let successor = translator.landings.pointee.successor(address) {
      translator.statistics.collidingLandings += 1
      return writer.jump(to: translator.reachable(successor, from: zone))
    }
    return writer.jump(to: zone.missExit)
  }

  private mutating func emitPlainTick(_ address: UInt64, isLanding: Bool, _ writer: inout CodeWriter) {
    plainTicks += 1
    writer.subtractOne(absolute: RuntimeLayout.tickCounter(TickCounters.number(address, isLanding: isLanding)))
    writer.jump(ifCondition: CodeWriter.ifZero, to: zone.addTickExit(address))
  }

  /// Counts a tick with rcx in the spill slot, and restores it. `exit` is the offset of an exit close by.
  private mutating func emitFlagSavingTick(
    _ address: UInt64, isLanding: Bool, exit: Int, _ writer: inout CodeWriter
  ) {
    flagSavingTicks += 1
    let counter = RuntimeLayout.tickCounter(TickCounters.number(address, isLanding: isLanding))
    writer.load(.rcx, absolute: counter)
    writer.addToRCX(-1)
    writer.store(.rcx, absolute: counter)
    let exhausted = writer.jumpShortIfRCXIsZero()
    writer.settleShort(exhausted, to: exit)
    writer.load(.rcx, absolute: RuntimeLayout.spill)
  }

  /// The offset of an exit at which the ticks have run out and rcx is in the spill slot, written here: nothing falls
  /// into it.
  private func emitSpilledTickExit(_ address: UInt64, _ writer: inout CodeWriter) -> Int {
    let offset = writer.offset
    writer.trap()
    writer.byte(ExitStub.Kind.tickWithSpill.rawValue)
    writer.qword(address)
    return offset
  }

  private func noteTickEntry(_ address: UInt64, _ offset: Int) {
    translator.tickEntries.pointee.set(address, CachePosition(zone: zone.number, offset: offset).rawValue)
  }

  private func flagsAreLive(_ address: UInt64) -> Bool {
    var code = ReliableCode(unit, translator.pages, from: address)
    let live = FlagLiveness.areFlagsLive(at: address, &code)
    if let page = code.otherPage { translator.scanDependents[page, default: []].insert(address & ~0xFFF) }
    return live
  }
}
