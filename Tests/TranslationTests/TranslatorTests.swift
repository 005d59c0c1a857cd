import Execution
import KernelABI
import TestSupport
import Testing
import Translation
import X86

/// What the translator says without any code being run.
@Suite struct TranslatorTests {
  /// An address space of one page of code, and buffers in place of what is mapped in a tracee.
  final class Space {
    static let code: UInt64 = 0x40_0000
    var bytes: [UInt8]
    var reads = 0
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 22, alignment: 4096)
    private let table = UnsafeMutableRawBufferPointer.allocate(
      byteCount: RuntimeLayout.landingTableByteCount, alignment: 4096)
    let data = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
    private(set) var translator: Translator!

    init(_ bytes: [UInt8], _ options: TranslationOptions = .init()) {
      self.bytes = bytes
      data.initializeMemory(as: UInt8.self, repeating: 0)
      translator = Translator(options: options, dataPage: data, landingTable: table) { [unowned self] page, destination in
        guard page >= Self.code, page < Self.code + UInt64(self.bytes.count) else { return nil }
        reads += 1
        destination.initializeMemory(as: UInt8.self, repeating: 0xCC)
        destination.copyBytes(from: self.bytes.dropFirst(Int(page - Self.code)).prefix(4096))
        return .stable
      }
      translator.addZone(base: 0x6000_0000, memory: memory)
      translator.ticksLeft = 100
    }

    deinit {
      translator = nil
      memory.deallocate()
      table.deallocate()
      data.deallocate()
    }

    func byte(_ address: UInt64) -> UInt8 { memory[Int(address - 0x6000_0000)] }
  }

  @Test func everyInstructionIsAnEntry() throws {
    let space = Space([0x90, 0x48, 0x01, 0xC8, 0x74, 0xFA, 0xC3])
    _ = try space.translator.enter(Space.code)
    for start in [0, 1, 4, 6] as [UInt64] { #expect(space.translator.translation(of: Space.code + start) != nil) }
    #expect(space.translator.translation(of: Space.code + 2) == nil)
    #expect(space.translator.takeNewPages() == [Space.code])
    #expect(space.translator.takeNewPages() == [])
  }

  @Test func everyCacheAddressMapsBack() throws {
    let space = Space([0x90, 0xFF, 0x15, 0, 0x10, 0, 0, 0x0F, 0x05, 0xC3])
    _ = try space.translator.enter(Space.code)
    let call = try #require(space.translator.translation(of: Space.code + 1))
    var registers = Registers()
    registers.rip = call
    #expect(space.translator.recover(&registers) == .recovered)
    #expect(registers.rip == Space.code + 1)
    #expect(space.translator.recoveryPoint(call)?.isStart == true)
    #expect(space.translator.recoveryPoint(call + 1)?.isStart == false)
    let systemCall = try #require(space.translator.translation(of: Space.code + 7))
    registers.rip = systemCall + 2
    #expect(space.translator.recover(&registers) == .behindSystemCall)
    #expect(registers.rip == Space.code + 9 && registers.rcx == Space.code + 9)
    registers.rip = 0x1234
    #expect(space.translator.recover(&registers) == .foreign)
  }

  @Test func codeThatIsntThereIsRefused() {
    let space = Space([0x90, 0x06])
    #expect(throws: TranslationError.notCode(address: 0x1000)) { try space.translator.enter(0x1000) }
    #expect(throws: TranslationError.notCode(address: Space.code + 1)) { try space.translator.enter(Space.code + 1) }
    #expect(throws: Never.self) { try space.translator.enter(Space.code) }
  }

  @Test func interceptedInstructionsLeave() throws {
    let space = Space([0x0F, 0x31, 0x0F, 0xA2, 0x0F, 0x0B])
    for (start, kind) in [(0, .rdtsc), (2, .cpuid), (4, .undefined)] as [(UInt64, Instruction.Kind)] {
      let entry = try space.translator.enter(Space.code + start)
      #expect(space.byte(entry) == 0xCC)
      var registers = Registers()
      registers.rip = entry + 1
      #expect(space.translator.handleTrap(&registers) == .instruction(kind))
      #expect(registers.rip == Space.code + start)
    }
  }

  @Test func whatIsntInterceptedIsCopied() throws {
    var options = TranslationOptions()
    options.intercepted = .all.subtracting(.timeStamp)
    let space = Space([0x0F, 0x31, 0xC3], options)
    let entry = try space.translator.enter(Space.code)
    #expect(space.byte(entry) == 0x0F && space.byte(entry + 1) == 0x31)
  }

  @Test func droppedTranslationsTrapAndComeBack() throws {
    let space = Space([0x90, 0x90, 0xC3])
    let entry = try space.translator.enter(Space.code)
    space.bytes = [0x66, 0x90, 0xC3]
    space.translator.invalidate(Space.code..<(Space.code + 1))
    #expect(space.byte(entry) == 0xCC)
    #expect(space.translator.translation(of: Space.code) == nil)
    #expect(!space.translator.hasTranslations(page: Space.code))
    var registers = Registers()
    registers.rip = entry + 1
    #expect(space.translator.handleTrap(&registers) == .resumed)
    #expect(registers.rip == space.translator.translation(of: Space.code))
    #expect(space.byte(registers.rip) == 0x66)
    #expect(space.translator.translation(of: Space.code + 1) == nil)
  }

  @Test func breakpointsStopBeforeTheInstruction() throws {
    let space = Space([0x90, 0x90, 0xC3])
    _ = try space.translator.enter(Space.code)
    space.translator.setBreakpoints(CodeBreakpoints([Space.code + 1]))
    let entry = try space.translator.enter(Space.code + 1)
    var registers = Registers()
    registers.rip = entry + 1
    #expect(space.translator.handleTrap(&registers) == .breakpoint)
    #expect(registers.rip == Space.code + 1)
    let behind = space.translator.behindBreakpoint(Space.code + 1, entry: try space.translator.enter(Space.code + 1))
    #expect(space.byte(behind) == 0x90)
    space.translator.setBreakpoints(.none)
    #expect(space.byte(try space.translator.enter(Space.code + 1)) == 0x90)
  }

  /// Code that has long counted in one place and now counts in another stops a few times before its ticks are used up,
  /// not at every few ticks.
  @Test(arguments: [8, 1000, 1_000_000], [20, 60, 100_000]) func ticksAreSpreadAnewWhereTheyAreCounted(
    _ budget: Int64, _ before: Int64
  ) throws {
    let space = Space([0x90, 0xC3])
    // The counters: each has a cache line, from the second one on.
    func run(_ counter: Int, _ ticks: Int64) -> Int {
      space.translator.ticksLeft = ticks
      var stops = 0
      while space.translator.ticksLeft > 0, stops < 10_000 {
        stops += 1
        space.data.storeBytes(of: 0, toByteOffset: 64 * (counter + 1), as: Int64.self)
        space.translator.ticksLeft = space.translator.ticksLeft
      }
      return stops
    }
    for _ in 0..<200 { _ = run(3, before) }
    let stops = run(0, budget)
    #expect(stops < 60, "\(stops) stops for \(budget) ticks")
  }

  @Test func zonesFillAndEmpty() throws {
    let page = [UInt8](repeating: 0x90, count: 4095) + [0xC3]
    let space = Space([UInt8]((0..<200).flatMap { _ in page }))
    var full = false
    for index in 0..<UInt64(200 * 4096) {
      do { _ = try space.translator.enter(Space.code + index) } catch TranslationError.zoneFull {
        full = true
        break
      }
    }
    let used = space.translator.statistics.instructions
    space.translator.invalidateAll()
    #expect(throws: Never.self) { try space.translator.enter(Space.code) }
    #expect(full || used > 800_000)
  }

  /// Code that no compiler made: whatever the bytes, each start maps to the cache and back.
  @Test(arguments: [TranslationOptions.TickDefinition.nonForwardTransfers, .retiredConditionalBranches, .none])
  func anyBytesAreTranslated(ticks: TranslationOptions.TickDefinition) throws {
    var random = SeededRandom()
    for round in 0..<20 {
      var options = TranslationOptions()
      options.tickDefinition = ticks
      options.systemCallStyle = round % 2 == 0 ? .inCache : .exit
      let bytes = (0..<3 * 4096).map { _ in UInt8.random(in: 0...255, using: &random) }
      let space = Space(bytes, options)
      for _ in 0..<100 {
        let address = Space.code + UInt64.random(in: 0..<3 * 4096, using: &random)
        guard let entry = try? space.translator.enter(address) else { continue }
        let point = space.translator.recoveryPoint(entry)
        #expect(point?.applicationAddress == address && point?.isStart == true, "seed \(random.seed)")
        if Int.random(in: 0..<10, using: &random) == 0 { space.translator.invalidate(address..<(address + 1)) }
      }
    }
  }

  /// `lock mov eax, [eip + 0]`: the fast decoder takes it for an instruction, the processor doesn't.
  @Test func aRefusedInstructionWithAnOperandOutOfReachIsTranslated() throws {
    let space = Space([0x67, 0xF0, 0x8B, 0x05, 0, 0, 0, 0, 0xC3])
    let entry = try space.translator.enter(Space.code)
    #expect(space.translator.recoveryPoint(entry)?.applicationAddress == Space.code)
  }

  @Test func aTrapOfTheProgramsOwnIsForeign() {
    let space = Space([0x90])
    var registers = Registers()
    registers.rip = 0x5000
    #expect(space.translator.handleTrap(&registers) == .foreign)
  }
}
