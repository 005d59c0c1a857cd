import Execution
import X86

/// Translates an address space's code into its code caches, and knows what is translated and where.
///
/// This is the pure half of the software engine: it reads application code through a closure, writes to buffers, and
/// never touches a tracee. Its user maps the buffers into the tracees at the addresses that `RuntimeLayout` and the
/// zones name, runs the tracee from `enter` on, and hands every trap in the cache to `handleTrap`.
///
/// What a tracee has not begun stays the user's to decide: registers handed out always belong to an application
/// instruction's start, except where a recovery says otherwise. While translations are added or dropped, no tracee of
/// the address space may be running.
package final class Translator {
  package let options: TranslationOptions
  /// The pages that instructions have been translated from since the list was last taken.
  package internal(set) var newPages: [UInt64] = []
  package internal(set) var statistics = TranslationStatistics()
  package internal(set) var zones: [CodeZone] = []

  // State that the translation of every instruction touches is behind constant pointers, which spares the
  // exclusivity checks of a class's variables.
  let unit: UnsafeMutablePointer<TranslationUnit>
  let pages: UnsafeMutablePointer<CodePages>
  let map: UnsafeMutablePointer<InstructionMap>
  let links: UnsafeMutablePointer<LinkTable>
  let landings: UnsafeMutablePointer<LandingTable>
  /// From an application address to the code that counts a tick and goes on there.
  let tickEntries: UnsafeMutablePointer<AddressTable>
  /// Pages that instructions have been translated from.
  let translatedPages: UnsafeMutablePointer<AddressTable>
  let dataPage: UnsafeMutableRawPointer
  private var tickCounters: TickCounters
  /// The branches of the unit being translated.
  var fixups: [Fixup] = []
  /// For a page, the instructions that begin on the page before and end on it.
  var straddlers: [UInt64: [UInt64]] = [:]
  var breakpoints = CodeBreakpoints.none
  /// The code of breakpoints' conditions.
  var conditionCodes: [ConditionCode] = []
  /// Landings in front of addresses that aren't translated.
  var orphanLandings: [UInt64] = []
  /// For a page, those whose translations rely on its bytes: a liveness scan has gone from them to it.
  var scanDependents: [UInt64: Set<UInt64>] = [:]

  /// A branch written whose distance isn't settled yet.
  struct Fixup: BitwiseCopyable {
    var source: UInt64
    var target: UInt64
    var field: Int32
    var ticks: Bool
    var isFallThrough: Bool
  }

  /// The room that one unit can need at most, with all its exits.
  static let unitByteCountMax = TranslationUnit.memberCountMax * 160

  /// `dataPage` and `landingTable` are the tracer's mappings of the memory described by `RuntimeLayout`; `readPage`
  /// copies a page of the application's code, and returns nil if it can't be executed.
  package init(
    options: TranslationOptions, dataPage: UnsafeMutableRawBufferPointer,
    landingTable: UnsafeMutableRawBufferPointer,
    readPage: @escaping (_ pageAddress: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability?
  ) {
    precondition(dataPage.count >= RuntimeLayout.dataPageByteCount)
    self.options = options
    self.dataPage = dataPage.baseAddress.unsafelyUnwrapped
    tickCounters = TickCounters(dataPage: self.dataPage)
    unit = .holding(TranslationUnit())
    pages = .holding(CodePages(reader: readPage))
    map = .holding(InstructionMap())
    links = .holding(LinkTable())
    landings = .holding(LandingTable(memory: landingTable))
    tickEntries = .holding(AddressTable(minimumCapacity: 1024))
    translatedPages = .holding(AddressTable())
  }

  /// The translations of `other` for another address space: for a forked child whose code is about to differ from its
  /// parent's, or for a program that maps the same files at the same addresses as one before it.
  ///
  /// The buffers are those that the other address space has mapped, `zoneMemories` in the order of the zones; they take
  /// on the contents. What isn't the same code there must be dropped by `invalidate` before it can be reached.
  package init(
    copying other: Translator, dataPage: UnsafeMutableRawBufferPointer, landingTable: UnsafeMutableRawBufferPointer,
    zoneMemories: [UnsafeMutableRawBufferPointer],
    readPage: @escaping (_ pageAddress: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability?
  ) {
    precondition(dataPage.count >= RuntimeLayout.dataPageByteCount && zoneMemories.count == other.zones.count)
    options = other.options
    self.dataPage = dataPage.baseAddress.unsafelyUnwrapped
    self.dataPage.copyMemory(from: other.dataPage, byteCount: RuntimeLayout.dataPageByteCount)
    tickCounters = TickCounters(copying: other.tickCounters, dataPage: self.dataPage)
    unit = .holding(TranslationUnit())
    pages = .holding(CodePages(reader: readPage))
    map = .holding(InstructionMap(copying: other.map.pointee))
    links = .holding(LinkTable(copying: other.links.pointee))
    landings = .holding(LandingTable(copying: other.landings.pointee, memory: landingTable))
    tickEntries = .holding(AddressTable(copying: other.tickEntries.pointee))
    translatedPages = .holding(AddressTable(copying: other.translatedPages.pointee))
    zones = zip(other.zones, zoneMemories).map { CodeZone(copying: $0, memory: $1) }
    straddlers = other.straddlers
    breakpoints = other.breakpoints
    conditionCodes = other.conditionCodes
    orphanLandings = other.orphanLandings
    scanDependents = other.scanDependents
    regionsAskedFor = other.regionsAskedFor
  }

  deinit {
    unit.deinitialize(count: 1).deallocate()
    pages.deinitialize(count: 1).deallocate()
    map.deinitialize(count: 1).deallocate()
    links.deinitialize(count: 1).deallocate()
    landings.deinitialize(count: 1).deallocate()
    tickEntries.deinitialize(count: 1).deallocate()
    translatedPages.deinitialize(count: 1).deallocate()
  }

  // MARK: - Zones

  /// How far from an address its zone may be for RIP-relative operands to stay in reach, wherever in the zone the
  /// translation is and whichever way the operand points. Modules are small against the remaining half.
  private static let nearDistance: UInt64 = 1 << 30

  /// Asked to add a zone near an address before code there is translated, once for each region. It may refuse: the code
  /// goes into the nearest zone then, and operands out of reach are expanded. The tracee is stopped in the meantime.
  package var provideZone: ((_ address: UInt64) -> Void)?
  private var regionsAskedFor: Set<UInt64> = []

  private func askForZone(_ address: UInt64) {
    guard let provideZone, wantsZone(for: address) else { return }
    if regionsAskedFor.insert(address / Self.nearDistance).inserted { provideZone(address) }
  }

  /// Whether there is no zone near `address` and another one would make its translations better.
  package func wantsZone(for address: UInt64) -> Bool {
    zones.count < CachePosition.zoneCountMax && !zones.contains { Self.distance($0, address) < Self.nearDistance }
  }

  /// Adds a zone that is mapped at `base` in the tracees; `memory` is the tracer's mapping of the same memory.
  package func addZone(base: UInt64, memory: UnsafeMutableRawBufferPointer) {
    precondition(zones.count < CachePosition.zoneCountMax)
    zones.append(CodeZone(base: base, memory: memory, number: zones.count))
    writeIdentityRoutine(zones[zones.count - 1])
    if zones.count == 1 { landings.pointee.removeAll(missExit: zones[0].missExit) }
  }

  func writeIdentityRoutine(_ zone: CodeZone) {
    if !options.identity.isEmpty { zone.writeIdentityRoutine(IdentityRoutine(options.identity)) }
  }

  package func zone(containing address: UInt64) -> CodeZone? { zones.first { $0.contains(address) } }

  func zone(for address: UInt64) -> CodeZone? {
    guard zones.count > 1 else { return zones.first }
    return zones.min { Self.distance($0, address) < Self.distance($1, address) }
  }

  private static func distance(_ zone: CodeZone, _ address: UInt64) -> UInt64 {
    zone.base > address ? zone.base - address : address - zone.base
  }

  // MARK: - Entering translations

  /// The address in the cache at which to run the application from `address` on, translated now if need be.
  package func enter(_ address: UInt64) throws(TranslationError) -> UInt64 {
    if let known = translation(of: address) { return known }
    try translate(address)
    guard let made = translation(of: address) else { throw .notCode(address: address) }
    return made
  }

  /// Where `address` is translated, if it is.
  package func translation(of address: UInt64) -> UInt64? {
    map.pointee.position(of: address).map { zones[$0.zone].address($0.offset) }
  }

  /// The ticks left of the budget that the translated code counts down.
  package var ticksLeft: Int64 {
    get { tickCounters.left }
    set { tickCounters.spread(newValue) }
  }

  var transferTarget: UInt64 { dataPage.load(fromByteOffset: RuntimeLayout.transferTargetOffset, as: UInt64.self) }
  var transferSource: CachePosition {
    .init(rawValue: dataPage.load(fromByteOffset: RuntimeLayout.transferSourceOffset, as: UInt32.self))
  }
  var spill: UInt64 { dataPage.load(fromByteOffset: RuntimeLayout.spillOffset, as: UInt64.self) }

  var countsTransfers: Bool { options.tickDefinition == .nonForwardTransfers }

  /// Translates the unit that begins at `address`.
  private func translate(_ address: UInt64) throws(TranslationError) {
    askForZone(address)
    guard let zone = zone(for: address) else { throw .noZone(address: address) }
    guard zone.room > Self.unitByteCountMax else { throw .zoneFull(address: address) }
    statistics.requests += 1
    let single = zones.count == 1
    let readBefore = pages.pointee.readCount
    let found = unit.pointee.discover(
      address, followedCount: options.followedInstructionCount, &map.pointee, &pages.pointee,
      belongs: { single || self.zone(for: $0) === zone })
    guard found else {
      pages.pointee.dropUnreliable()
      throw .notCode(address: address)
    }
    emitUnit(zone)
    resolveFixups(zone)
    resolveWaitingLinks()
    statistics.pagesRead += pages.pointee.readCount - readBefore
    pages.pointee.dropUnreliable()
  }

  /// All pages that instructions have been translated from.
  package var translatedPageAddresses: [UInt64] { translatedPages.pointee.allKeys }

  /// The pages translated from since the last call: those whose contents can change must be protected against
  /// writing before the tracee goes on, so that `invalidate` is called in time.
  package func takeNewPages() -> [UInt64] {
    defer { newPages.removeAll(keepingCapacity: true) }
    return newPages
  }
}

extension UnsafeMutablePointer where Pointee: ~Copyable {
  /// New memory with this value in it.
  fileprivate static func holding(_ value: consuming Pointee) -> UnsafeMutablePointer {
    let pointer = allocate(capacity: 1)
    pointer.initialize(to: value)
    return pointer
  }
}
