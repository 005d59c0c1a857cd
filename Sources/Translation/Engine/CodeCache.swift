import CLinuxShim
import Execution
import KernelABI
import TraceeControl

/// One set of translations, and the memory it is in: a file without a name that is mapped in the tracer and in every
/// address space that runs these translations. Processes share one for as long as they have the same code.
final class CodeCache {
  /// What was found on a page of code when it was read last.
  struct PageState {
    var sum: UInt64
    /// The page's bytes can change without a system call that names it.
    var isChangeable: Bool
  }

  private(set) var translator: Translator
  /// Address spaces that run these translations.
  var userCount = 0
  /// Changes whenever translations are dropped: addresses in the cache from before may mean nothing any more.
  private(set) var generation = 0
  /// All pages that the translator has read.
  private(set) var pages: [UInt64: PageState] = [:]

  private let memory: CacheMemory
  private let counts: SoftwareCounts
  private var zoneBases: [UInt64] = []
  /// Whose memory is read while translating; set for the length of one request.
  private var reader: (any CodeReader)?

  init(options: TranslationOptions, counts: SoftwareCounts) throws {
    self.counts = counts
    counts.caches += 1
    memory = try CacheMemory(zoneRoom: options.zoneByteCount)
    let box = ReaderBox()
    translator = Translator(
      options: options, dataPage: memory.dataPage, landingTable: memory.landingTable, readPage: box.read)
    box.cache = self
    try addZone(at: OwnMemory.lowZone)
    setZoneProvider()
  }

  /// A copy, for an address space whose code is about to differ from that of the others.
  init(copying other: CodeCache) throws {
    counts = other.counts
    counts.partings += 1
    memory = try CacheMemory(zoneRoom: other.translator.options.zoneByteCount)
    zoneBases = other.zoneBases
    pages = other.pages
    let box = ReaderBox()
    let zoneMemories = try other.zoneBases.indices.map { [memory] in try memory.zone($0) }
    translator = Translator(
      copying: other.translator, dataPage: memory.dataPage, landingTable: memory.landingTable,
      zoneMemories: zoneMemories, readPage: box.read)
    box.cache = self
    setZoneProvider()
  }

  deinit { counts.translation += translator.statistics }

  /// The closure that the translator keeps, without a cycle.
  private final class ReaderBox {
    weak var cache: CodeCache?

    func read(_ page: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability? {
      cache?.readPage(page, destination)
    }
  }

  // MARK: - Requests

  /// Lets `body` translate code of `tracee`.
  func translating<R>(_ reader: any CodeReader, _ body: (Translator) throws -> R) rethrows -> R {
    self.reader = reader
    defer { self.reader = nil }
    return try body(translator)
  }

  private func readPage(_ page: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability? {
    guard let found = reader?.readCode(page, destination) else {
      pages[page] = nil
      return nil
    }
    let sum = PageSum.of(UnsafeRawBufferPointer(destination))
    let isChangeable = found == .changeable
    pages[page] = PageState(sum: sum, isChangeable: isChangeable)
    return found
  }

  func invalidate(_ range: Range<UInt64>) {
    generation += 1
    translator.invalidate(range)
    forget(range)
  }

  func invalidateAll() {
    generation += 1
    translator.invalidateAll()
    pages.removeAll(keepingCapacity: true)
  }

  /// Where the code stops; see `Translator.setBreakpoints`.
  func setBreakpoints(_ breakpoints: CodeBreakpoints) {
    guard breakpoints != translator.breakpoints else { return }
    generation += 1
    translator.setBreakpoints(breakpoints)
  }

  private func forget(_ range: Range<UInt64>) {
    for page in knownPages(in: range) { pages[page] = nil }
  }

  /// The pages in `range` that the translator has read. Ranges can be far larger than there are pages.
  func knownPages(in range: Range<UInt64>) -> [UInt64] {
    let start = range.lowerBound & ~(pageSize - 1)
    if (range.upperBound - start) / pageSize > UInt64(pages.count) {
      return pages.keys.filter { start <= $0 && $0 < range.upperBound }
    }
    return stride(from: start, to: range.upperBound, by: Int(pageSize)).filter { pages[$0] != nil }
  }

  // MARK: - Zones

  var zoneCount: Int { zoneBases.count }

  /// The bytes of cache in use.
  var byteCount: Int { RuntimeLayout.landingTableByteCount + translator.zones.reduce(0) { $0 + $1.usedByteCount } }

  private func setZoneProvider() {
    translator.provideZone = { [unowned self] address in
      guard let base = OwnMemory.zone(near: address), !zoneBases.contains(base) else { return }
      // Without it the code goes into the nearest zone there is.
      try? addZone(at: base)
    }
  }

  private func addZone(at base: UInt64) throws {
    let zone = try memory.zone(zoneBases.count)
    zoneBases.append(base)
    translator.addZone(base: base, memory: zone)
  }

  /// Maps what of the cache the tracee lacks; `mapped` is the number of zones it has, -1 if it has nothing yet.
  func map(in tracee: Tracee, from mapped: Int, replacing: Bool) throws {
    let readExecute: UInt64 = 5, readWrite: UInt64 = 3
    var calls = RemoteCalls()
    let descriptor = calls.open(tracerDescriptor: memory.descriptor, writable: true)
    func map(_ address: UInt64, _ byteCount: Int, _ protection: UInt64, _ offset: UInt64) {
      // MAP_FIXED, or MAP_FIXED_NOREPLACE: nothing of the program's may go.
      let flags = UInt64(MapFlag.shared) | (replacing ? UInt64(MapFlag.fixed) : 0x10_0000)
      calls.add(
        "map the code cache", SyscallNumber.mmap, .value(address), .value(UInt64(byteCount)), .value(protection),
        .value(flags), .result(descriptor), .value(offset))
    }
    if mapped < 0 {
      map(RuntimeLayout.dataPageAddress, RuntimeLayout.dataPageByteCount, readWrite, CacheMemory.dataPageOffset)
      map(
        RuntimeLayout.landingTableAddress, RuntimeLayout.landingTableByteCount, 1, CacheMemory.landingTableOffset)
    }
    for index in max(mapped, 0)..<zoneBases.count {
      map(zoneBases[index], CacheMemory.zoneByteCount, readExecute, CacheMemory.zoneOffset(index))
    }
    calls.close(descriptor)
    try tracee.perform(calls)
  }
}

/// Reads code for a translation.
protocol CodeReader: AnyObject {
  /// Copies a page of the program's code; nil where there is none that can be executed.
  func readCode(_ page: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability?
}

/// The file behind a cache. It is sparse: only what is used takes memory.
final class CacheMemory {
  static let dataPageOffset: UInt64 = 0
  static let landingTableOffset: UInt64 = 0x10_0000
  private static let firstZoneOffset: UInt64 = 0x100_0000
  static let zoneByteCount = OwnMemory.zoneByteCount

  static func zoneOffset(_ index: Int) -> UInt64 { firstZoneOffset + UInt64(index * zoneByteCount) }

  let descriptor: Int32
  let dataPage: UnsafeMutableRawBufferPointer
  let landingTable: UnsafeMutableRawBufferPointer
  private var zones: [UnsafeMutableRawBufferPointer] = []
  private let zoneRoom: Int

  /// `zoneRoom` is how much of each zone may be used.
  init(zoneRoom: Int) throws {
    precondition((1 << 16 ... Self.zoneByteCount).contains(zoneRoom) && zoneRoom % 64 == 0)
    self.zoneRoom = zoneRoom
    descriptor = Int32(try check(rrs_memfd_create("rrs-code"), "make a memory file"))
    _ = try check(rrs_ftruncate(descriptor, Self.firstZoneOffset), "size the code cache")
    dataPage = try Self.map(descriptor, RuntimeLayout.dataPageByteCount, Self.dataPageOffset)
    landingTable = try Self.map(descriptor, RuntimeLayout.landingTableByteCount, Self.landingTableOffset)
  }

  deinit {
    for buffer in zones + [dataPage, landingTable] {
      _ = rrs_syscall(
        SyscallNumber.munmap, UInt(bitPattern: buffer.baseAddress), UInt(buffer.count), 0, 0, 0, 0)
    }
    _ = rrs_close(descriptor)
  }

  /// The memory of a zone, made if it is the next one.
  func zone(_ index: Int) throws -> UnsafeMutableRawBufferPointer {
    if index < zones.count { return room(zones[index]) }
    _ = try check(rrs_ftruncate(descriptor, Self.zoneOffset(index + 1)), "size the code cache")
    let zone = try Self.map(descriptor, Self.zoneByteCount, Self.zoneOffset(index))
    zones.append(zone)
    return room(zone)
  }

  private func room(_ zone: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: zone.prefix(zoneRoom))
  }

  private static func map(
    _ descriptor: Int32, _ byteCount: Int, _ offset: UInt64
  ) throws -> UnsafeMutableRawBufferPointer {
    let readWrite: UInt = 3
    let result = rrs_syscall(
      SyscallNumber.mmap, 0, UInt(byteCount), readWrite, UInt(MapFlag.shared), UInt(descriptor), UInt(offset))
    let address = try check(result, "map the code cache")
    return UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: address), count: byteCount)
  }
}

/// A checksum that tells a page of code from another one.
enum PageSum {
  static func of(_ page: UnsafeRawBufferPointer) -> UInt64 {
    var a: UInt64 = 1, b: UInt64 = 2
    for offset in stride(from: 0, to: page.count, by: 16) {
      a = (a ^ page.load(fromByteOffset: offset, as: UInt64.self)) &* 0x9e37_79b9_7f4a_7c15
      a ^= a >> 32
      b = (b ^ page.load(fromByteOffset: offset + 8, as: UInt64.self)) &* 0xc2b2_ae3d_27d4_eb4f
      b ^= b >> 29
    }
    return a ^ (b << 1 | b >> 63)
  }
}
