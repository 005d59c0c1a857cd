import CTranslationHarness
import KernelABI
import Translation
import X86

/// The memory that the harness runs code in, at fixed addresses in its own process.
struct Machine: ~Copyable {
  /// Where the zones are in respect to the code: near, where nothing of the code reaches, or in two places neither
  /// of which reaches the other, so that half of the code belongs to each.
  enum Placement: String { case near, far, split }
  static let placement = CommandLine.arguments.lazy.compactMap { Placement(rawValue: $0) }.first ?? .near

  static let codeAddress: UInt64 = placement == .split ? 0x2_5000_0000 : 0x5000_0000
  static var code: Range<UInt64> { codeAddress..<(codeAddress + UInt64(codeByteCount)) }
  static let originOffset: UInt64 = placement == .split ? 0x1700 : 0x1000
  static let writableCodeAddress: UInt64 = 0x3333_0000_0000
  static let codeByteCount = 1 << 18
  /// Data next to the code, then data that only registers point to. The stack is part of it.
  static let dataAddress = codeAddress + 0x8_0000
  static let dataByteCount = 1 << 14
  static let zoneByteCount = 1 << 24

  private(set) var translator: Translator
  private let anyCode: Bool
  private let template: UnsafeMutableRawPointer
  private(set) var stops = 0

  init(_ options: TranslationOptions, anyCode: Bool = false) {
    let mapped = harness_map_code(Self.codeAddress, Self.writableCodeAddress, Self.codeByteCount)
    precondition(mapped == 0, "can't map the code: errno \(-mapped)")
    Self.map(Self.dataAddress, Self.dataByteCount, executable: false)
    Self.map(RuntimeLayout.dataPageAddress, RuntimeLayout.dataPageByteCount, executable: false)
    Self.map(RuntimeLayout.landingTableAddress, RuntimeLayout.landingTableByteCount, executable: false)
    template = .allocate(byteCount: Self.dataByteCount, alignment: 64)
    self.anyCode = anyCode
    translator = Translator(
      options: options,
      dataPage: Self.bytes(RuntimeLayout.dataPageAddress, RuntimeLayout.dataPageByteCount),
      landingTable: Self.bytes(RuntimeLayout.landingTableAddress, RuntimeLayout.landingTableByteCount),
      readPage: Self.reader(anyCode: anyCode))
    switch Self.placement {
    case .near: addZone(0x6000_0000)
    case .far: addZone(0x2345_0000_0000)
    case .split:
      // The code at 0x2_5000_1800 is as far from the one as from the other.
      addZone(0x1_5000_0000)
      addZone(0x3_5000_3000)
    }
  }

  /// Goes on with a copy of the translator in place of it. Everything is kept aside and overwritten first, so that
  /// nothing of the old one's can do the copy's work.
  mutating func copyTranslator() {
    let names = translator.zones.map(\.base)
    let live = names.map { Self.bytes(Self.writableAddress($0), Self.zoneByteCount) }
    let data = Self.bytes(RuntimeLayout.dataPageAddress, RuntimeLayout.dataPageByteCount)
    let table = Self.bytes(RuntimeLayout.landingTableAddress, RuntimeLayout.landingTableByteCount)
    let aside = (live + [data, table]).map { buffer in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count, alignment: 4096)
      copy.initializeMemory(as: UInt8.self, repeating: 0xCC)
      return copy
    }
    defer { for buffer in aside { buffer.deallocate() } }
    let between = Translator(
      copying: translator, dataPage: aside[live.count], landingTable: aside[live.count + 1],
      zoneMemories: Array(aside[..<live.count]), readPage: Self.reader(anyCode: anyCode))
    for buffer in live { buffer.initializeMemory(as: UInt8.self, repeating: 0xCC) }
    table.initializeMemory(as: UInt8.self, repeating: 0)
    translator = Translator(
      copying: between, dataPage: data, landingTable: table, zoneMemories: live,
      readPage: Self.reader(anyCode: anyCode))
  }

  private static func writableAddress(_ base: UInt64) -> UInt64 {
    base > 0x4000_0000_0000 ? base - 0x1000_0000_0000 : base + 0x1000_0000_0000
  }

  private static func reader(
    anyCode: Bool
  ) -> (UInt64, UnsafeMutableRawBufferPointer) -> CodePageStability? {
    { page, destination in
      guard anyCode || Self.code.contains(page) else { return nil }
      return harness_read_page(page, destination.baseAddress) == 0 ? .stable : nil
    }
  }

  deinit { template.deallocate() }

  borrowing func addZone(_ base: UInt64) {
    let writable = Self.writableAddress(base)
    let mapped = harness_map_code(base, writable, Self.zoneByteCount)
    precondition(mapped == 0, "can't map a zone: errno \(-mapped)")
    translator.addZone(base: base, memory: Self.bytes(writable, Self.zoneByteCount))
  }

  static func map(_ address: UInt64, _ byteCount: Int, executable: Bool) {
    let result = harness_map(address, byteCount, executable ? 1 : 0)
    precondition(result == 0, "can't map memory at \(String(address, radix: 16)): errno \(-result)")
  }

  static func bytes(_ address: UInt64, _ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: UInt(address)), count: byteCount)
  }

  // MARK: - Running

  /// How a run ended, in the application's terms.
  struct Outcome {
    var state: machine_state
    var signal: Int32
    var stop: TranslationStop
    var ticks: Int64
    var stops = 0
  }

  /// Runs `state` translated until a fault, an exit that isn't resolved by the translator, or `budget` ticks.
  func runTranslated(
    _ state: machine_state, budget: Int64 = 1 << 62, stopMax: Int = 1 << 40, leavingBreakpoint: Bool = false
  ) -> Outcome {
    translator.ticksLeft = budget
    var outcome = Outcome(state: state, signal: 0, stop: .resumed, ticks: 0)
    var registers = Registers(state)
    outcome.stop = translator.go(to: registers.rip, &registers)
    if leavingBreakpoint, let entry = try? translator.enter(state.rip) {
      registers.rip = translator.behindBreakpoint(state.rip, entry: entry)
    }
    while outcome.stop == .resumed && outcome.stops < stopMax {
      registers.write(to: &outcome.state)
      let stop = harness_run(&outcome.state, nil, 0)
      outcome.stops += 1
      registers = Registers(outcome.state)
      if stop.signal == Signals.trap {
        outcome.stop = translator.handleTrap(&registers)
        if outcome.stop == .zoneFull {
          translator.invalidateAll()
          outcome.stop = translator.go(to: registers.rip, &registers)
        }
      } else {
        outcome.signal = stop.signal
        switch translator.recover(&registers) {
        case .recovered, .behindSystemCall: outcome.stop = .notCode
        case .inTransfer: outcome.stop = translator.completeTransfer(&registers)
        case .foreign: outcome.stop = .foreign
        }
      }
    }
    registers.write(to: &outcome.state)
    outcome.ticks = budget - translator.ticksLeft
    return outcome
  }

  // MARK: - Memory

  /// Keeps the data as it is now for `restoreData`.
  func keepData() {
    let data = Self.bytes(Self.dataAddress, Self.dataByteCount)
    template.copyMemory(from: data.baseAddress!, byteCount: Self.dataByteCount)
  }

  func restoreData() {
    Self.bytes(Self.dataAddress, Self.dataByteCount).baseAddress!
      .copyMemory(from: template, byteCount: Self.dataByteCount)
  }

  static func data() -> [UInt8] { Array(bytes(dataAddress, dataByteCount)) }
}

enum Signals {
  static let illegal: Int32 = 4
  static let trap: Int32 = 5
  static let fault: Int32 = 11
}

extension Registers {
  init(_ state: machine_state) {
    self.init()
    withUnsafeBytes(of: state.general) { general in
      for register in GeneralRegister.allCases {
        self[register] = general.load(fromByteOffset: Int(register.rawValue) * 8, as: UInt64.self)
      }
    }
    rip = state.rip
    eflags = state.flags
  }

  func write(to state: inout machine_state) {
    withUnsafeMutableBytes(of: &state.general) { general in
      for register in GeneralRegister.allCases {
        general.storeBytes(of: self[register], toByteOffset: Int(register.rawValue) * 8, as: UInt64.self)
      }
    }
    state.rip = rip
    state.flags = eflags
  }
}

extension machine_state {
  /// The differences from `other` that a program could see, one line each.
  func differences(_ other: machine_state, flagsMask: UInt64 = ~0) -> [String] {
    var lines: [String] = []
    let mine = Registers(self), theirs = Registers(other)
    for register in GeneralRegister.allCases where mine[register] != theirs[register] {
      lines.append("\(register): \(hex(mine[register])) and \(hex(theirs[register]))")
    }
    if rip != other.rip { lines.append("rip: \(hex(rip)) and \(hex(other.rip))") }
    if (flags ^ other.flags) & flagsMask != 0 { lines.append("flags: \(hex(flags)) and \(hex(other.flags))") }
    withUnsafeBytes(of: extended) { a in
      withUnsafeBytes(of: other.extended) { b in
        // The x87 pointers to the last instruction and operand, and its opcode, aren't compared: the first is an
        // address in the cache, and which of them are kept at all differs between processors.
        for index in 0..<832 where a[index] != b[index] && !(6..<24).contains(index) && !(416..<576).contains(index) {
          lines.append("extended state, byte \(index): \(a[index]) and \(b[index])")
          return
        }
      }
    }
    return lines
  }
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
