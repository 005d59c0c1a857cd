import KernelABI
import Testing
import TraceeControl

@Suite struct ProcessMapsTests {
  private let text = """
    555555554000-555555556000 r--p 00000000 08:02 1835042                    /usr/bin/true
    7ffff7d00000-7ffff7e00000 rw-s 00001000 103:05 77   /tmp/a file (deleted)
    7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]
    ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
    """

  @Test func everyField() throws {
    let maps = ProcessMaps.parse(Array(text.utf8))
    #expect(maps.count == 4)
    let file = try #require(maps.dropFirst().first)
    #expect(file.range == RemoteRange(RemotePointer(0x7fff_f7d0_0000), RemotePointer(0x7fff_f7e0_0000)))
    #expect(file.protection == 3)
    #expect(file.isShared)
    #expect(file.fileOffset == 0x1000)
    #expect(file.inode == 77)
    #expect(file.name == "/tmp/a file (deleted)")
    #expect(file.device == ProcessMaps.makeDevice(major: 0x103, minor: 5))
    #expect(maps[3].isExecutable && !maps[3].isReadable)
    #expect(maps[2].name == "[stack]")
  }

  @Test func devicesAreEncodedAsStatDoes() {
    #expect(ProcessMaps.makeDevice(major: 8, minor: 2) == 0x802)
    // makedev(0, 0x12345): the low byte stays, the rest moves up by 12 bits.
    #expect(ProcessMaps.makeDevice(major: 0, minor: 0x12345) == 0x1230_0045)
  }

  @Test func damagedLinesAreLeftOut() {
    for end in text.utf8.indices { _ = ProcessMaps.parse(Array(text.utf8[..<end])) }
    #expect(ProcessMaps.parse(Array("nonsense\n12-\n".utf8)).isEmpty)
  }

  @Test func ownMapsAreReadable() throws {
    let own = try #require(ProcFS.readLink("/proc/self"))
    let tid = Tid(try #require(Int32(own)))
    let maps = ProcessMaps.read(tid)
    #expect(maps.contains { $0.name == "[stack]" })
    #expect(zip(maps, maps.dropFirst()).allSatisfy { $0.range.end <= $1.range.start })
    #expect(ProcFS.state(tid) != nil)
    #expect(ProcFS.statusMask(tid, "SigCgt") != nil)
    #expect(ProcFS.ownNamespaceTid(tid) == tid)
  }
}

@Suite struct ScratchPoolTests {
  @Test func chunksAreUsedAgain() throws {
    let pool = ScratchPool()
    #expect(pool.take(byteCount: 100) == nil)
    let chunk = try #require(pool.reserve(byteCount: 100))
    #expect(OwnMemory.owns(RemoteRange(chunk.address, byteCount: chunk.byteCount)))
    #expect(pool.take(byteCount: 100) == nil)
    pool.giveBack(chunk)
    #expect(pool.take(byteCount: 100)?.address == chunk.address)
  }

  @Test func aForkHasAllChunksFree() throws {
    let pool = ScratchPool()
    let chunk = try #require(pool.reserve(byteCount: 100))
    let copy = pool.fork()
    #expect(copy.take(byteCount: 100)?.address == chunk.address)
    #expect(pool.take(byteCount: 100) == nil)
  }

  @Test func spaceIsBounded() {
    let pool = ScratchPool()
    #expect(pool.reserve(byteCount: 1 << 40) == nil)
    var count = 0
    while pool.reserve(byteCount: 1 << 20) != nil { count += 1 }
    #expect(count == 128)
  }
}
