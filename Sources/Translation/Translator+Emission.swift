import Execution
import X86

/// Writing a unit's instructions.
extension Translator {
  /// Writes the translation of the unit just discovered.
  func emitUnit(_ zone: CodeZone) {
    var writer = CodeWriter(memory: zone.memory, base: zone.base, offset: zone.hot)
    fixups.removeAll(keepingCapacity: true)
    let start = writer.offset, coldStart = zone.cold
    var emitter = UnitEmitter(self, zone)
    let runs = unit.pointee.runs
    for (index, run) in runs.enumerated() {
      emitter.emit(run, &writer, following: index + 1 < runs.count ? runs[index + 1].start : nil)
    }
    zone.hot = writer.offset
    statistics.units += 1
    statistics.instructions += unit.pointee.count
    statistics.applicationBytes += emitter.applicationBytes
    statistics.codeBytes += writer.offset - start
    statistics.coldBytes += coldStart - zone.cold
    statistics.expandedOperands += emitter.expandedOperands
    statistics.plainTicks += emitter.plainTicks
    statistics.flagSavingTicks += emitter.flagSavingTicks
    for fixup in emitter.fixups { fixups.append(fixup) }
  }

  /// Notes that `instruction` has been translated from its page or pages.
  func noteTranslated(page: UInt64) {
    guard translatedPages.pointee[page] == nil else { return }
    translatedPages.pointee.set(page, 1)
    newPages.append(page)
  }

  func noteStraddler(_ address: UInt64, endsOn page: UInt64) {
    if !(straddlers[page]?.contains(address) ?? false) { straddlers[page, default: []].append(address) }
    noteTranslated(page: page)
  }
}

/// The state of writing one unit.
struct UnitEmitter {
  let translator: Translator
  let zone: CodeZone
  let unit: UnsafeMutablePointer<TranslationUnit>
  let map: UnsafeMutablePointer<InstructionMap>
  let countsTransfers: Bool
  let countsBranches: Bool
  let hasBreakpoints: Bool
  let options: TranslationOptions
  var fixups: [Translator.Fixup] = []
  var applicationBytes = 0
  var expandedOperands = 0
  var plainTicks = 0
  var flagSavingTicks = 0
  var recentPage = UInt64.max

  init(_ translator: Translator, _ zone: CodeZone) {
    self.translator = translator
    self.zone = zone
    unit = translator.unit
    map = translator.map
    options = translator.options
    countsTransfers = options.tickDefinition == .nonForwardTransfers
    countsBranches = options.tickDefinition == .retiredConditionalBranches
    hasBreakpoints = !translator.breakpoints.isEmpty
    fixups.reserveCapacity(256)
  }

  /// Writes a run. `following` is the application address whose translation will be written next.
  mutating func emit(_ run: TranslationUnit.Run, _ writer: inout CodeWriter, following: UInt64?) {
    var fallsIn = false
    for index in Int(run.first)..<Int(run.end) {
      let member = unit.pointee.members[index]
      let address = member.address
      let length = UInt64(member.instruction.length)
      if address & ~0xFFF != recentPage {
        recentPage = address & ~0xFFF
        translator.noteTranslated(page: recentPage)
      }
      let lastByte = address &+ length &- 1
      let straddles = lastByte & ~0xFFF != address & ~0xFFF
      if straddles { translator.noteStraddler(address, endsOn: lastByte & ~0xFFF) }
      if fallsIn && (straddles || address & 0xFFF < UInt64(Instruction.byteCountMax)) {
        fallIntoPage(address, straddles: straddles, &writer)
      }
      emitArrivals(member, fallsIn: fallsIn, &writer)
      map.pointee.set(address, CachePosition(zone: zone.number, offset: writer.offset))
      zone.recovery.pointee.appendStart(writer.offset, address)
      if hasBreakpoints, let condition = translator.breakpoints.conditions[address] {
        emitBreakpoint(address, condition, &writer)
      }
      applicationBytes += Int(length)
      emit(member, unit.pointee.bytes(index), &writer)
      fallsIn = member.instruction.kind != .call && member.instruction.kind != .indirectCall
    }
    if let next = run.next { emitContinuation(next, fallsIn: fallsIn, following, &writer) }
  }

  /// The trap of a breakpoint, with the code that evaluates its condition around it.
  private mutating func emitBreakpoint(
    _ address: UInt64, _ condition: ConditionProgram?, _ writer: inout CodeWriter
  ) {
    let start = writer.offset
    let emitter = condition.flatMap { ConditionEmitter($0) }
    let skipped = emitter?.emit(&writer)
    writer.trap()
    writer.byte(ExitStub.Kind.breakpoint.rawValue)
    guard let emitter, let skipped else { return }
    emitter.settle(skipped, &writer)
    translator.conditionCodes.append(
      .init(zone: zone.number, start: start, end: writer.offset, applicationAddress: address))
    // Who stops within is let run on to its end.
    zone.recovery.pointee.append(start + 1, address, .inTransfer)
    zone.recovery.pointee.append(writer.offset, address, .plain)
  }

  /// Leaves room for a jump where code runs on into another page, whose translations may be dropped alone.
  private mutating func fallIntoPage(_ address: UInt64, straddles: Bool, _ writer: inout CodeWriter) {
    fixups.append(
      .init(
        source: address &- 1, target: address, field: Int32(writer.offset), ticks: false, isFallThrough: true))
    writer.nop5()
  }

  /// Leads from the end of a run to where it goes on.
  private mutating func emitContinuation(
    _ next: UInt64, fallsIn: Bool, _ following: UInt64?, _ writer: inout CodeWriter
  ) {
    if !fallsIn {
      // The run ends with a call. Nothing falls in here: what is needed is a landing for the return.
      if translator.landings.pointee.hasLanding(next) { return }
      emitLanding(next, &writer)
      if unit.pointee.member(at: next) == nil && map.pointee.position(of: next) == nil {
        translator.orphanLandings.append(next)
      }
    } else if next == following && next & 0xFFF >= UInt64(Instruction.byteCountMax) {
      let target = unit.pointee.member(at: next).map { unit.pointee.members[$0].marks } ?? []
      // With an arrival of its own in front, the next run must be jumped to.
      if !needsArrival(target) { return }
    }
    writer.byte(0xE9)
    addFixup(from: next &- 1, to: next, ticks: false, &writer)
  }

  /// Writes an empty 32-bit distance, to be settled when the unit is complete.
  mutating func addFixup(from source: UInt64, to target: UInt64, ticks: Bool, _ writer: inout CodeWriter) {
    fixups.append(
      .init(
        source: source, target: target, field: Int32(writer.offset), ticks: ticks && countsTransfers,
        isFallThrough: false))
    writer.dword(0)
  }

  // MARK: - One instruction

  private mutating func emit(
    _ member: TranslationUnit.Member, _ bytes: UnsafeMutablePointer<UInt8>, _ writer: inout CodeWriter
  ) {
    let instruction = member.instruction
    switch instruction.kind {
    case .sequential:
      if instruction.isRIPRelative {
        emitRIPRelative(member, bytes, &writer)
      } else {
        // Sixteen bytes are copied in two moves, of which the instruction's length counts.
        let destination = UnsafeMutableRawPointer(writer.memory + writer.offset)
        destination.copyMemory(from: bytes, byteCount: CodePages.windowByteCount)
        writer.offset += Int(instruction.length)
      }
    case .conditionalJump, .counterJump:
      if countsBranches { emitCountedBranch(member, bytes, &writer) } else { emitBranch(member, bytes, &writer) }
    case .jump:
      let target = instruction.target(at: member.address)
      writer.byte(0xE9)
      addFixup(from: member.address, to: target, ticks: target <= member.address, &writer)
    case .call: emitCall(member, &writer)
    case .indirectJump, .indirectCall: emitIndirect(member, bytes, &writer)
    case .nearReturn: emitReturn(member, &writer)
    case .syscall where options.systemCallStyle == .inCache: emitSystemCall(member, &writer)
    case .syscall: emitExit(instruction.kind, &writer)
    case .cpuid where zone.identityRoutine != 0 && options.intercepted.includes(.cpuid):
      emitIdentity(member, &writer)
    default:
      if options.intercepted.includes(instruction.kind) {
        emitExit(instruction.kind, &writer)
      } else if instruction.isRIPRelative {
        emitRIPRelative(member, bytes, &writer)
      } else {
        writer.bytes(bytes, count: Int(instruction.length))
      }
    }
  }

  private func emitExit(_ kind: Instruction.Kind, _ writer: inout CodeWriter) {
    writer.trap()
    writer.byte(ExitStub.Kind.instruction.rawValue)
    writer.byte(kind.rawValue)
  }

  /// cpuid, answered by the zone's routine.
  private func emitIdentity(_ member: TranslationUnit.Member, _ writer: inout CodeWriter) {
    let jumpByteCount = 5
    // lea rbx, [rip + what follows]
    for byte in [0x48, 0x8D, 0x1D] { writer.byte(UInt8(byte)) }
    writer.dword(UInt32(jumpByteCount + IdentityRoutine.exitByteCount))
    zone.recovery.pointee.append(writer.offset, member.address, .inTransfer)
    writer.jump(to: zone.identityRoutine)
    emitExit(.cpuid, &writer)
  }

  private func emitSystemCall(_ member: TranslationUnit.Member, _ writer: inout CodeWriter) {
    let next = member.address &+ UInt64(member.instruction.length)
    writer.systemCall()
    zone.recovery.pointee.append(writer.offset, next, .afterSystemCall)
    writer.byte(0x48)
    writer.byte(0xB9)
    writer.qword(next)
  }

  private mutating func emitRIPRelative(
    _ member: TranslationUnit.Member, _ bytes: UnsafeMutablePointer<UInt8>, _ writer: inout CodeWriter
  ) {
    let instruction = member.instruction
    var target = Self.operandAddress(member, bytes)
    if writer.copyRIPRelative(bytes, instruction, operandAddress: target) { return }
    if instruction.hasAddressSizePrefix { target &= 0xFFFF_FFFF }
    guard let used = translator.pages.pointee.registersUsed(bytes, instruction) else {
      // Not an instruction to the full decoder, such as a lock prefix where none may be: ud2 raises the same SIGILL.
      writer.byte(0x0F)
      writer.byte(0x0B)
      return
    }
    guard let base = used.freeBaseRegister else {
      preconditionFailure("an instruction that uses all of six registers has no memory operand of this form")
    }
    expandedOperands += 1
    let next = member.address &+ UInt64(instruction.length)
    writer.store(base, absolute: RuntimeLayout.spill)
    zone.recovery.pointee.append(writer.offset, member.address, .spilled(base))
    writer.move(base, immediate: target)
    writer.copyRIPRelative(bytes, instruction, base: base)
    zone.recovery.pointee.append(writer.offset, next, .spilled(base))
    writer.load(base, absolute: RuntimeLayout.spill)
  }

  /// The address of a RIP-relative operand, before an address-size prefix cuts it.
  static func operandAddress(_ member: TranslationUnit.Member, _ bytes: UnsafePointer<UInt8>) -> UInt64 {
    let field = UnsafeRawPointer(bytes + Int(member.instruction.displacementOffset))
    let displacement = Int64(field.loadUnaligned(as: Int32.self))
    return member.address &+ UInt64(member.instruction.length) &+ UInt64(bitPattern: displacement)
  }
}
