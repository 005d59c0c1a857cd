import CTranslationHarness
import KernelABI
import Translation
import X86

/// Runs functions of a shared object natively and translated, with all that they call in the C library.
///
/// They must not allocate memory: while translated code is stopped, the translator does.
struct FunctionTest: ~Copyable {
  private let machine: Machine
  private let library: String
  private let buffer: UnsafeMutableRawBufferPointer
  private let stack: UnsafeMutableRawBufferPointer
  private static let bufferByteCount = 1 << 16
  private static let stackByteCount = 1 << 20
  /// Where functions return to: a trap.
  private static let returnAddress = Machine.codeAddress + 0x8000

  init(library: String, _ options: TranslationOptions) {
    machine = Machine(options, anyCode: true)
    self.library = library
    buffer = .allocate(byteCount: Self.bufferByteCount, alignment: 64)
    stack = .allocate(byteCount: Self.stackByteCount, alignment: 64)
    Machine.bytes(Machine.writableCodeAddress, Machine.codeByteCount)[0x8000] = 0xCC
  }

  deinit {
    buffer.deallocate()
    stack.deallocate()
  }

  func address(_ function: String) -> UInt64 {
    guard let symbol = harness_symbol(library, function) else { return 0 }
    return UInt64(UInt(bitPattern: symbol))
  }

  /// A free address near the library.
  var nearZone: UInt64? { address("fib") == 0 ? nil : (address("fib") & ~0xFFF_FFFF) - 0x2000_0000 }

  func addZone(_ base: UInt64) { machine.addZone(base) }

  private func state(_ function: String, _ argument: UInt64) -> machine_state {
    buffer.initializeMemory(as: UInt8.self, repeating: 0x33)
    var state = machine_state()
    harness_initial_state(&state)
    var registers = Registers(state)
    registers.rip = address(function)
    registers.rdi = argument
    registers.rsi = UInt64(UInt(bitPattern: buffer.baseAddress))
    let top = stack.baseAddress! + Self.stackByteCount - 64 - 8
    top.storeBytes(of: Self.returnAddress, as: UInt64.self)
    registers.rsp = UInt64(UInt(bitPattern: top))
    registers.write(to: &state)
    return state
  }

  /// The lines say what differs.
  mutating func compare(_ function: String, _ argument: UInt64) -> [String] {
    var native = state(function, argument)
    if native.rip == 0 { return ["the library has no such function"] }
    let start = native
    let stop = harness_run(&native, nil, 0)
    guard stop.signal == Signals.trap else { return ["the native run ended with signal \(stop.signal)"] }
    let nativeBuffer = Array(buffer)
    _ = state(function, argument)
    let outcome = machine.runTranslated(start)
    guard outcome.stop == .instruction(.breakpoint) else {
      return ["the translated run ended for \(outcome.stop), signal \(outcome.signal), at \(hex(outcome.state.rip))"]
    }
    let a = Registers(native), b = Registers(outcome.state)
    var problems: [String] = []
    if a.rax != b.rax { problems.append("result: \(hex(b.rax)) and \(hex(a.rax))") }
    for register in [GeneralRegister.rbx, .rbp, .rsp, .r12, .r13, .r14, .r15] where a[register] != b[register] {
      problems.append("\(register): \(hex(b[register])) and \(hex(a[register]))")
    }
    if Array(buffer) != nativeBuffer { problems.append("the buffer differs") }
    return problems
  }

  /// Prints the ratio of the processor times, best of three each.
  mutating func measure(_ function: String, _ argument: UInt64) {
    var native = UInt64.max, translated = UInt64.max
    var ticks: Int64 = 0, stops = 0
    for _ in 0..<3 {
      var state = state(function, argument)
      let start = harness_time()
      _ = harness_run(&state, nil, 0)
      native = min(native, harness_time() - start)
    }
    for _ in 0..<3 {
      let state = state(function, argument)
      let start = harness_time()
      let outcome = machine.runTranslated(state)
      translated = min(translated, harness_time() - start)
      ticks = outcome.ticks
      stops = outcome.stops
    }
    let ratio = Double(translated) / Double(native)
    let rounded = (ratio * 100).rounded() / 100
    print("\(function): native \(native / 1000) µs, ratio \(rounded), \(ticks) ticks, \(stops) stops")
  }

  /// Translates the functions that are called from the code behind a symbol, and prints the time that takes.
  mutating func measureTranslation(_ symbol: String, byteCount: UInt64) {
    let start = address(symbol)
    guard start != 0 else { return }
    machine.addZone((start & ~0xFFF_FFFF) - 0x2000_0000)
    let decoder = InstructionDecoder()
    var targets: [UInt64] = []
    var at = start
    let decoding = harness_time()
    var decoded = 0
    while at < start + byteCount {
      let instruction = decoder.decode(UnsafePointer(bitPattern: UInt(at))!, count: 15)
      decoded += 1
      if let instruction, instruction.kind == .call {
        let target = instruction.target(at: at)
        if target >= start && target < start + byteCount { targets.append(target) }
      }
      at += UInt64(instruction?.length ?? 1)
    }
    let began = harness_time()
    for target in targets { _ = try? machine.translator.enter(target) }
    let time = harness_time() - began
    let count = machine.translator.statistics.instructions
    print("\(count) instructions, \(time / UInt64(max(count, 1))) ns each")
    print("decoding alone: \((began - decoding) / UInt64(decoded)) ns each")
  }

  /// Prints the address and the bytes of a function's translation, to be disassembled.
  mutating func dump(_ function: String) {
    let outcome = machine.runTranslated(state(function, 3))
    guard outcome.stop == .instruction(.breakpoint), let start = machine.translator.translation(of: address(function)),
      let zone = machine.translator.zone(containing: start)
    else { return }
    print(hex(start))
    let bytes = UnsafeRawBufferPointer(Machine.bytes(start, min(2000, Int(zone.base) + zone.byteCount - Int(start))))
    print(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
  }

  var statistics: TranslationStatistics { machine.translator.statistics }
}
