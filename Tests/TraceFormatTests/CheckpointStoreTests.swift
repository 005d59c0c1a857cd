import Foundation
import Glibc
import KernelABI
import SystemPackage
import Testing
import TraceFormat

/// Persistent checkpoints as files, without any process.
@Suite struct CheckpointStoreTests {
  let directory: TemporaryDirectory
  let store: CheckpointStore

  init() throws {
    directory = try TemporaryDirectory()
    store = try Self.store(directory, "trace")
  }

  static func store(_ directory: TemporaryDirectory, _ name: String) throws -> CheckpointStore {
    let path = try directory.make(name)
    var header = TraceHeader()
    header.uuid = (0..<16).map { _ in UInt8.random(in: 0...255) }
    let writer = try TraceWriter(directory: path, header: header)
    for _ in 0..<3 {
      writer.append(TraceEvent(tid: Tid(7), ticks: 1, monotonicNanoseconds: 1, kind: .preemption, registers: Registers()))
    }
    try writer.finish()
    return CheckpointStore(try TraceReader(directory: path))
  }

  static func page(_ byte: UInt8, _ varies: Int = 0) -> [UInt8] {
    var page = [UInt8](repeating: byte, count: 4096)
    withUnsafeBytes(of: varies) { page.replaceSubrange(0..<8, with: $0) }
    return page
  }

  /// A checkpoint of one space with these pages from address 0x10000 on, and one tracee.
  @discardableResult
  func save(_ pages: [[UInt8]], event: UInt64 = 2) throws -> SavedPlace {
    try store.save { target in
      var place = SavedPlace(event: event, ticks: 55, programCounter: 0x401000, rootTid: Tid(7))
      (place.number, place.label, place.work) = (3, "main at a.c:1 → here", 99)
      place.thread = ThreadIdentity(process: 7, thread: 8)
      var checkpoint = SavedCheckpoint(place: place)
      var space = SavedSpace(programBreak: RemotePointer(0x5000), stackLimit: 8 << 20)
      let start = RemotePointer(0x10000)
      var region = SavedRegion(range: RemoteRange(start, byteCount: UInt64(pages.count) * 4096), protection: 3)
      region.attributes = [.noReserve, .wipeOnFork]
      for (index, page) in pages.enumerated() {
        region.pages.append(page: 0x10 + UInt64(index), try page.withUnsafeBytes { try target.add($0) })
      }
      space.regions = [region]
      var code = SavedRegion(range: RemoteRange(RemotePointer(0x900000), byteCount: 8192), protection: 5)
      (code.source, code.fileOffset) = (.record(event: 1, start: 0x900000), 4096)
      space.regions.append(code)
      checkpoint.spaces = [space]
      checkpoint.files = [SavedFile(device: 5, inode: 6, byteCount: 100)]
      var tracee = SavedTracee(tid: Tid(8), threadGroup: Tid(7), space: 0, registers: Registers())
      (tracee.registers.rip, tracee.ticks, tracee.name) = (0x401000, 55, "a name")
      (tracee.extendedState, tracee.condition) = ([1, 2, 3], [.isInSyscall, .hasMetSignal])
      checkpoint.tracees = [tracee]
      return checkpoint
    }
  }

  func pages(of id: UInt64) throws -> [[UInt8]] {
    let (checkpoint, reader) = try store.load(id)
    var found: [[UInt8]] = []
    try checkpoint.spaces[0].regions[0].pages.forEach(in: 0..<UInt64.max) { page, place in
      #expect(page == 0x10 + UInt64(found.count))
      found.append(Array(try reader.page(place)))
    }
    return found
  }

  func pagesFileSize() throws -> Int {
    try FileManager.default.attributesOfItem(atPath: store.path + "/pages")[.size] as? Int ?? -1
  }

  @Test func whatIsSavedIsLoaded() throws {
    let content = (0..<200).map { Self.page(UInt8($0), $0) }
    let place = try save(content)
    #expect(place.id == 1 && place.stateHash.count == 32)
    let (checkpoint, _) = try store.load(1)
    #expect(checkpoint.place == place && store.list().places == [place])
    #expect(checkpoint.place.label == "main at a.c:1 → here" && checkpoint.place.thread.thread == 8)
    let space = try #require(checkpoint.spaces.first)
    #expect(space.programBreak == RemotePointer(0x5000) && space.stackLimit == 8 << 20 && space.regions.count == 2)
    #expect(space.regions[0].attributes == [.noReserve, .wipeOnFork] && space.regions[0].protection == 3)
    #expect(space.regions[1].source == .record(event: 1, start: 0x900000) && space.regions[1].fileOffset == 4096)
    let tracee = try #require(checkpoint.tracees.first)
    #expect(tracee.registers.rip == 0x401000 && tracee.ticks == 55 && tracee.name == "a name")
    #expect(tracee.extendedState == [1, 2, 3] && tracee.condition == [.isInSyscall, .hasMetSignal])
    #expect(checkpoint.files.map(\.byteCount) == [100])
    #expect(try pages(of: 1) == content)
    #expect(store.verify().isEmpty)
  }

  /// A series of checkpoints costs what changes between them.
  @Test func equalPagesAreStoredOnce() throws {
    // Of the same byte but for their numbers: each compresses to next to nothing, none equals another.
    let content = (0..<640).map { index in (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* (index + 3) >> 3) } }
    try save(content)
    let first = try pagesFileSize()
    try save(content)
    #expect(try pagesFileSize() == first)
    var changed = content
    changed[100] = Self.page(9, 1)
    try save(changed)
    let third = try pagesFileSize()
    #expect(third > first && third - first < 1000)
    #expect(try pages(of: 2) == content)
    #expect(try pages(of: 3) == changed)
    // The state is told by what pages hold, not by where they are.
    let hashes = store.list().places.map(\.stateHash)
    #expect(hashes[0] == hashes[1] && hashes[1] != hashes[2])
  }

  @Test func theLogKnowsOfSavingAndLoading() throws {
    let place = try save([Self.page(1)])
    store.noteLoad(place)
    let kinds = store.log().map(\.kind)
    #expect(
      kinds == [
        .checkpointSaved(id: 1, stateHash: place.stateHash), .checkpointLoaded(id: 1, stateHash: place.stateHash),
      ])
    #expect(store.log().allSatisfy { $0.number == 2 && $0.monotonicNanoseconds > 1_600_000_000_000_000_000 })
  }

  @Test func whatIsRemovedIsGoneAndTheTraceAsItWas() throws {
    let trace = (store.path as NSString).deletingLastPathComponent
    let before = try FileManager.default.subpathsOfDirectory(atPath: trace).sorted()
    try save([Self.page(1)])
    try store.removeAll()
    try store.removeAll()
    #expect(try FileManager.default.subpathsOfDirectory(atPath: trace).sorted() == before)
    #expect(store.list().places.isEmpty && store.log().isEmpty)
  }

  @Test func thoseOfAnotherTraceAreRefused() throws {
    try save([Self.page(1)])
    let other = try Self.store(directory, "other")
    try FileManager.default.copyItem(atPath: store.path, toPath: other.path)
    let (places, problems) = other.list()
    #expect(places.isEmpty && problems.count == 1)
    #expect("\(problems)".contains("another trace"))
    #expect(throws: TraceError.self) { try other.load(1) }
  }

  /// The writer was killed while it wrote a block, or its checkpoint.
  @Test func whatAKilledWriterLeavesIsHarmless() throws {
    let content = (0..<70).map { Self.page(UInt8($0), $0 * 7) }
    try save(content)
    let path = store.path + "/pages"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for extra in [1, 63, 64, 100, 1000] {
      // A second copy of what is there, cut: a block that was begun.
      try (whole + whole.prefix(extra)).write(to: URL(fileURLWithPath: path))
      try Data([1, 2]).write(to: URL(fileURLWithPath: store.path + "/.new"))
      let more = content + [Self.page(200, extra)]
      let place = try save(more)
      #expect(try pages(of: 1) == content)
      #expect(try pages(of: place.id) == more)
    }
  }

  /// A disk that fills keeps what was saved before; with more room the next one is saved.
  @Test(.enabled(if: geteuid() == 0, "mounting a small tmpfs needs root")) func fullDisk() throws {
    func mount(_ arguments: [String]) throws {
      let process = try Process.run(URL(fileURLWithPath: "/bin/mount"), arguments: arguments)
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
    }
    try FileManager.default.createDirectory(atPath: store.path, withIntermediateDirectories: false)
    try mount(["-t", "tmpfs", "-o", "size=300k", "none", store.path])
    defer { umount2(store.path, Int32(MNT_DETACH)) }
    var random = SeededGenerator.forTest()
    func content() -> [[UInt8]] { (0..<9).map { _ in (0..<4096).map { _ in UInt8(truncatingIfNeeded: random.next()) } } }
    var saved: [[[UInt8]]] = []
    var failure: TraceError?
    while failure == nil, saved.count < 20 {
      let pages = content()
      do {
        try save(pages)
        saved.append(pages)
      } catch let error as TraceError {
        failure = error
      }
    }
    guard case .system(_, let path, .noSpace)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(path.hasPrefix(store.path) && saved.count > 3 && store.list().places.count == saved.count)
    #expect(store.verify().isEmpty)
    for (index, pages) in saved.enumerated() { #expect(try self.pages(of: UInt64(index + 1)) == pages) }
    try mount(["-o", "remount,size=2m", store.path])
    let place = try save(content())
    #expect(place.id == UInt64(saved.count + 1) && store.verify().isEmpty)
  }

  /// Nothing that is changed or cut goes unseen, and nothing of it crashes.
  @Test func damageIsFound() throws {
    try save((0..<130).map { Self.page(UInt8($0), $0 * 3) })
    var random = SeededGenerator.forTest()
    for name in ["pages", "1"] {
      let url = URL(fileURLWithPath: store.path + "/" + name)
      let whole = try Data(contentsOf: url)
      for _ in 0..<150 {
        var damaged = whole
        if random.chance(4) {
          damaged = damaged.prefix(random.number(0...whole.count - 1))
        } else {
          damaged[random.number(0...whole.count - 1)] ^= UInt8(1) << random.number(0...7)
        }
        try damaged.write(to: url)
        // The bytes of a header that are zero, and of page digests that nobody reads, are the only ones that tell nothing.
        let isNoticed = !store.verify().isEmpty
        let isLoaded = (try? store.load(1)) != nil
        #expect(isNoticed == !isLoaded, random.comment)
        #expect(isNoticed || Self.isUnused(name, whole, damaged), random.comment)
      }
      try whole.write(to: url)
      #expect(store.verify().isEmpty)
    }
  }

  /// Whether only the zero bytes at the end of a block's header differ.
  static func isUnused(_ name: String, _ whole: Data, _ damaged: Data) -> Bool {
    guard name == "pages", whole.count == damaged.count else { return false }
    let changed = (0..<whole.count).first { whole[$0] != damaged[$0] } ?? 0
    var offset = 0
    while offset < whole.count {
      let stored = whole[offset + 8..<offset + 12].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
      let count = Int(whole[offset + 12])
      if (offset + 56..<offset + 64).contains(changed) { return true }
      offset += 64 + 32 * count + stored
    }
    return false
  }
}
