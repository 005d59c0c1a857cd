import Debugging
import Foundation
import KernelABI
import TestSupport

/// A recording of no program: a row of states, each one instruction after the one before it, of which some are events.
///
/// The code is a row of `nop`, the counter in memory goes up every tenth state, and `rax` is the state's number.
final class FakeTarget: DebugTarget {
  static let code: UInt64 = 0x40_1000
  static let counter: UInt64 = 0x40_4000
  static let stack: UInt64 = 0x7fff_0000_0000
  static let main = ThreadIdentity(process: 0x1f, thread: 0x1f)
  static let other = ThreadIdentity(process: 0x1f, thread: 0x20)
  static let child = ThreadIdentity(process: 0x30, thread: 0x30)

  /// The states are 0...last.
  var last = 200
  /// What happens when this state is reached.
  var events: [Int: DebugStop.Reason] = [:]
  /// Without an end: the code is run over and over.
  var isEndless = false
  var executable: String?
  var isWritable = false
  var features = RegisterFeatures(xcr0: 0x2e7, offsets: [2: 576, 5: 1088, 6: 1152, 7: 1664, 9: 2688])

  private(set) var position = 0
  private(set) var currentStop = DebugStop(thread: main, reason: .signal(0))
  private(set) var breakpoints: [Breakpoint] = []
  private(set) var passedSignals: Set<Int32> = []
  private(set) var written: [UInt64: [UInt8]] = [:]
  private(set) var diversions: [String] = []
  private(set) var commands: [[String]] = []
  private(set) var interruptQuestions = 0
  /// Set once it has run for a while.
  let isBusy = Flag()

  init() {}

  var threads: [ThreadIdentity] { [Self.main, Self.other] + (position > 150 ? [Self.child] : []) }
  func name(of thread: ThreadIdentity) -> String? { thread == Self.main ? "boss" : "worker" }
  var registerFeatures: RegisterFeatures { features }

  func registers(of thread: ThreadIdentity) throws(DebugError) -> ThreadRegisters {
    guard threads.contains(thread) else { throw DebugError("no thread", number: 3) }
    var general = Registers()
    general.rip = Self.code + UInt64(thread == Self.main ? position % 256 : 0)
    general.rsp = Self.stack + 0x800
    general.rax = UInt64(position)
    general.rbx = thread == Self.main ? 1 : 2
    general.eflags = 0x246
    general.cs = 0x33
    general.ss = 0x2b
    general.fsBase = 0x7fff_f7d8_0740
    general.origRax = .max
    var area = [UInt8](repeating: 0, count: 2696)
    area[0] = 0x7f
    area[1] = 3
    area[24] = 0x80
    area[25] = 0x1f
    area[512] = 0xe7
    area[513] = 2
    for index in 0..<16 { area[160 + index] = UInt8(index) }
    for index in 0..<16 { area[576 + index] = UInt8(16 + index) }
    for index in 0..<32 { area[1152 + index] = UInt8(32 + index) }
    area[1088] = 0x55
    area[2688] = 0x54
    return ThreadRegisters(general: general, extended: area)
  }

  func setRegisters(_ registers: ThreadRegisters, of thread: ThreadIdentity) throws(DebugError) {
    guard isWritable else { throw DebugError("registers can't be changed in a recording") }
    diversions.append("registers rax=\(registers.general.rax)")
  }

  private func byte(_ address: UInt64) -> UInt8? {
    switch address {
    case Self.code..<Self.code + 0x1000: 0x90
    case Self.counter..<Self.counter + 8: UInt8(truncatingIfNeeded: UInt64(position / 10) >> ((address - Self.counter) * 8))
    case Self.counter + 8..<Self.counter + 0x1000: UInt8(truncatingIfNeeded: address)
    case Self.stack..<Self.stack + 0x1000: 0
    default: nil
    }
  }

  func readMemory(_ process: Int32, _ address: UInt64, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, let byte = byte(address &+ UInt64(bytes.count)) { bytes.append(byte) }
    return bytes
  }

  func writeMemory(_ process: Int32, _ address: UInt64, _ bytes: [UInt8]) throws(DebugError) {
    guard isWritable else { throw DebugError("memory can't be changed in a recording") }
    written[address] = bytes
  }

  func memoryRegion(_ process: Int32, _ address: UInt64) -> MemoryRegion {
    if (Self.code..<Self.code + 0x1000).contains(address) {
      return MemoryRegion(start: Self.code, end: Self.code + 0x1000, protection: 5, name: "/bin/a")
    }
    return MemoryRegion(start: 0, end: Self.code, protection: nil, name: "")
  }

  func auxiliaryVector(_ process: Int32) -> [UInt8] {
    // AT_PAGESZ, AT_ENTRY and AT_NULL of getauxval(3).
    [6, 0x1000, 9, Self.code, 0, 0].flatMap { (word: UInt64) in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
  }

  func executablePath(_ process: Int32) -> String? { executable }

  func openFile(_ process: Int32, _ path: String) throws(DebugError) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DebugError("can't open \(path)", number: errno) }
    return descriptor
  }

  func signalInfo(_ thread: ThreadIdentity) throws(DebugError) -> [UInt8] {
    diversions.append("begin")
    return [11, 0, 0, 0] + [UInt8](repeating: 0, count: 124)
  }

  func setSignalInfo(_ thread: ThreadIdentity, _ bytes: [UInt8]) throws(DebugError) { diversions.append("end") }

  func threadLocalAddress(_ thread: ThreadIdentity, offset: UInt64, linkMap: UInt64) throws(DebugError) -> UInt64 {
    guard linkMap == 0x7f00 else { throw DebugError("no such module") }
    return 0x5000 + offset
  }

  // MARK: Motion

  func insert(_ breakpoint: Breakpoint) throws(DebugError) {
    guard breakpoints.count < 20 else { throw DebugError("too many") }
    precondition(!breakpoints.contains(breakpoint), "inserted twice")
    breakpoints.append(breakpoint)
  }

  func remove(_ breakpoint: Breakpoint) throws(DebugError) {
    precondition(breakpoints.contains(breakpoint), "never inserted")
    breakpoints.removeAll { $0 == breakpoint }
  }

  func setPassedSignals(_ signals: Set<Int32>) { passedSignals = signals }

  func resume(_ request: ResumeRequest, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop {
    currentStop = run(request, isInterrupted)
    return currentStop
  }

  private func run(_ request: ResumeRequest, _ isInterrupted: () -> Bool) -> DebugStop {
    let step = request.direction == .forward ? 1 : -1
    func stop(_ reason: DebugStop.Reason) -> DebugStop { DebugStop(thread: Self.main, reason: reason) }
    while true {
      interruptQuestions += 1
      if interruptQuestions == 1000 { isBusy.set() }
      if isInterrupted() { return stop(.interrupted) }
      if position + step < 0 { return stop(.historyBegin) }
      if position + step > last, !isEndless { return stop(.historyEnd) }
      let counterBefore = readMemory(0, Self.counter, count: 8)
      position += step
      if let event = events[position] {
        switch event {
        case .signal(let number) where passedSignals.contains(number): break
        case .processExit: return DebugStop(thread: Self.child, reason: event)
        default: return stop(event)
        }
      }
      let here = try? registers(of: Self.main).general
      for breakpoint in breakpoints {
        switch breakpoint.kind {
        case .software, .hardware:
          guard breakpoint.address == here?.rip, conditionHolds(breakpoint) else { continue }
          return stop(.breakpoint(isHardware: breakpoint.kind == .hardware))
        case .write, .read, .access:
          guard breakpoint.address == Self.counter, readMemory(0, Self.counter, count: 8) != counterBefore else { continue }
          return stop(.watchpoint(breakpoint.kind, address: Self.counter))
        }
      }
      if request.steppedThread != nil { return stop(.step) }
    }
  }

  private func conditionHolds(_ breakpoint: Breakpoint) -> Bool {
    guard !breakpoint.conditions.isEmpty, let state = try? registers(of: Self.main) else { return true }
    return breakpoint.conditions.contains { $0.holds(state.general) { self.readMemory(0, $0, count: $1) } }
  }

  func go(to place: DebugPlace, isInterrupted: () -> Bool) throws(DebugError) -> DebugStop {
    switch place {
    case .start: position = 0
    case .event(let number) where number <= UInt64(last): position = Int(number)
    case .ticks(let number) where number <= UInt64(last): position = Int(number)
    case .checkpoint(let number): position = number * 10
    case .history(let number): position = number
    default: throw DebugError("there is no such place")
    }
    currentStop = DebugStop(thread: Self.main, reason: .signal(0))
    return currentStop
  }

  func command(_ name: String, _ arguments: [String], thread: ThreadIdentity?) -> CommandAnswer {
    commands.append([name] + arguments)
    switch name {
    case "when": return .text("Completed event: \(position)")
    case "restart": return arguments.first.flatMap { Int($0) }.map { .place(.checkpoint($0)) } ?? .text("No checkpoint.")
    case "seek-ticks": return .place(.ticks(UInt64(arguments.first ?? "") ?? 0))
    case "back": return .place(.history(3))
    default: return .text("\(name) \(arguments) of \(thread.map { "\($0.thread)" } ?? "nobody")")
    }
  }
}
