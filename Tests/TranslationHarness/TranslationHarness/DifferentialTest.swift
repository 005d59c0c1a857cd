import Execution
import CTranslationHarness
import KernelABI
import Translation
import X86

/// Runs random programs natively, stepped and translated, and compares.
struct DifferentialTest: ~Copyable {
  var machine: Machine
  private let decoder: UnsafeMutablePointer<InstructionDecoder>
  let steps: UnsafeMutablePointer<machine_step>
  let options: TranslationOptions
  static let stepMax = 4000

  private(set) var caseCount = 0
  private(set) var tickCount: Int64 = 0
  private(set) var stepCount = 0
  private(set) var faultCount = 0

  init(_ options: TranslationOptions) {
    machine = Machine(options)
    self.options = options
    decoder = .allocate(capacity: 1)
    decoder.initialize(to: InstructionDecoder())
    steps = .allocate(capacity: Self.stepMax)
  }

  deinit {
    decoder.deinitialize(count: 1).deallocate()
    steps.deallocate()
  }

  /// Runs the program of `seed`. The lines returned say what differs.
  mutating func run(seed: UInt64) -> [String] {
    var generator = ProgramGenerator(seed: seed, decoder)
    let (code, entry) = generator.makeProgram()
    let memory = Machine.bytes(Machine.writableCodeAddress, Machine.codeByteCount)
    memory.baseAddress!.initializeMemory(as: UInt8.self, repeating: 0x90, count: 0x3000)
    UnsafeMutableRawBufferPointer(rebasing: memory[Int(Machine.originOffset)...]).copyBytes(from: code)
    fillData(&generator)
    let initial = initialState(&generator, entry)
    machine.translator.invalidate(Machine.codeAddress..<(Machine.codeAddress + UInt64(Machine.codeByteCount)))
    if seed % 500 == 0 { machine.translator.invalidateAll() }

    var stepped = initial
    let native = harness_run(&stepped, steps, Self.stepMax)
    caseCount += 1
    stepCount += native.step_count
    // A program that runs for longer ends by the budget of its ticks.
    let nativeData = Machine.data()
    let boundaries = tickBoundaries(initial, native.step_count, native.signal == 0 ? nil : stepped.rip)
    tickCount += Int64(boundaries.count)
    if native.signal == 0 { return compareStops(initial, boundaries, &generator) }
    if native.signal != Signals.trap { faultCount += 1 }
    machine.restoreData()
    var problems = compareEnds(initial, stepped, native.signal, nativeData, Int64(boundaries.count))
    if problems.isEmpty { problems = compareStops(initial, boundaries, &generator) }
    if problems.isEmpty && seed % 4 == 0 {
      problems = compareBreakpoints(initial, native.step_count, boundaries, &generator)
    }
    if problems.isEmpty && seed % 4 == 1 {
      problems = compareApproaches(initial, native.step_count, boundaries, &generator)
    }
    if problems.isEmpty && seed % 4 == 2 { problems = compareInterruptions(initial, boundaries, &generator) }
    return problems
  }

  private mutating func fillData(_ generator: inout ProgramGenerator) {
    let data = Machine.bytes(Machine.dataAddress, Machine.dataByteCount)
    for offset in stride(from: 0, to: Machine.dataByteCount, by: 8) {
      data.storeBytes(of: generator.random.next(), toByteOffset: offset, as: UInt64.self)
    }
    for (cell, label) in generator.pointers {
      let offset = Int(cell - Machine.dataAddress)
      data.storeBytes(of: generator.address(ofLabel: label), toByteOffset: offset, as: UInt64.self)
    }
    machine.keepData()
  }

  private func initialState(_ generator: inout ProgramGenerator, _ entry: UInt64) -> machine_state {
    var state = machine_state()
    harness_initial_state(&state)
    var registers = Registers(state)
    for register in GeneralRegister.allCases {
      registers[register] = generator.random.next() >> UInt64(generator.random.below(64))
    }
    for base in ProgramGenerator.basePointers {
      registers[base] = Machine.dataAddress + 0x400 + UInt64(generator.random.below(0x100)) * 16
    }
    registers.rsp = Machine.dataAddress + UInt64(Machine.dataByteCount) - 0x400
    registers.r15 = UInt64(5 + generator.random.below(40))
    registers.rip = entry
    registers.eflags = 0x202 | UInt64(generator.random.next() & 0x8D5)
    registers.write(to: &state)
    withUnsafeMutableBytes(of: &state.extended) { extended in
      for offset in stride(from: 160, to: 416, by: 8) {
        extended.storeBytes(of: generator.random.next(), toByteOffset: offset, as: UInt64.self)
      }
      for offset in stride(from: 576, to: 832, by: 8) {
        extended.storeBytes(of: generator.random.next(), toByteOffset: offset, as: UInt64.self)
      }
    }
    return state
  }

  /// The boundaries of the stepped run at which a tick has just been counted, by the definition alone.
  private func tickBoundaries(_ initial: machine_state, _ count: Int, _ end: UInt64?) -> [Int] {
    var result: [Int] = []
    var address = initial.rip
    for index in 0..<count {
      let next = steps[index].rip
      let bytes = UnsafePointer<UInt8>(bitPattern: UInt(address))!
      if let instruction = decoder.pointee.decodeThoroughly(bytes, count: 15), ticks(instruction, address, next) {
        result.append(index)
      }
      address = next
    }
    return result
  }

  private func ticks(_ instruction: Instruction, _ address: UInt64, _ next: UInt64) -> Bool {
    switch options.tickDefinition {
    case .none: return false
    case .retiredConditionalBranches:
      return instruction.kind == .conditionalJump || instruction.kind == .counterJump
    case .nonForwardTransfers:
      switch instruction.kind {
      case .indirectJump, .indirectCall, .nearReturn: return true
      case .conditionalJump, .counterJump, .jump, .call: return next <= address
      default: return false
      }
    }
  }

  private func compareEnds(
    _ initial: machine_state, _ native: machine_state, _ signal: Int32, _ nativeData: [UInt8], _ ticks: Int64
  ) -> [String] {
    let outcome = machine.runTranslated(initial, stopMax: 5000)
    var expected = native
    // What garbage that was jumped into contains now and then, and this harness doesn't execute for the translator.
    if case .instruction(let kind) = outcome.stop, kind != .breakpoint && kind != .undefined { return [] }
    if signal == Signals.trap {
      // The kernel reports the address behind the program's int3.
      expected.rip -= 1
      if outcome.stop != .instruction(.breakpoint) { return ["native trap, translated \(outcome.stop)"] }
    } else if outcome.stop == .instruction(.undefined) {
      if signal != Signals.illegal { return ["native signal \(signal), translated an undefined instruction"] }
    } else if outcome.stop == .wildTransfer {
      if signal != Signals.fault { return ["native signal \(signal), translated a wild transfer"] }
    } else if outcome.stop == .instruction(.breakpoint) || outcome.stop == .notCode && outcome.signal == 0 {
      if signal != Signals.fault && signal != Signals.illegal {
        return ["native signal \(signal), translated \(outcome.stop)"]
      }
    } else if outcome.signal != signal {
      return ["native signal \(signal), translated \(outcome.signal), \(outcome.stop)"]
    }
    clearDeadFlags(&expected)
    var problems = outcome.state.differences(expected)
    if outcome.ticks != ticks { problems.append("ticks: \(outcome.ticks) and \(ticks)") }
    if problems.isEmpty && Machine.data() != nativeData { problems.append("memory differs") }
    return problems
  }

  /// Stops at a few ticks of the run and compares with the stepped run's state there, then lets it go on.
  private mutating func compareStops(
    _ initial: machine_state, _ boundaries: [Int], _ generator: inout ProgramGenerator
  ) -> [String] {
    guard !boundaries.isEmpty else { return [] }
    for _ in 0..<2 {
      let first = generator.random.below(boundaries.count)
      machine.restoreData()
      var outcome = machine.runTranslated(initial, budget: Int64(first + 1))
      if let problem = differenceAt(outcome, boundaries[first]) { return ["at tick \(first + 1): " + problem] }
      guard first + 1 < boundaries.count else { continue }
      dropSomething(&generator)
      let second = first + 1 + generator.random.below(boundaries.count - first - 1)
      outcome = machine.runTranslated(outcome.state, budget: Int64(second - first))
      if let problem = differenceAt(outcome, boundaries[second]) {
        return ["at tick \(second + 1), after a stop at \(first + 1): " + problem]
      }
    }
    return []
  }

  /// Drops a page's translations, which are made again when they are reached.
  private mutating func dropSomething(_ generator: inout ProgramGenerator) {
    if generator.random.chance(1) { machine.copyTranslator() }
    guard generator.random.chance(60) else { return }
    // A spread program has functions at multiples of 64 KiB from each other.
    let function = Machine.codeAddress + 0x1_0000 * UInt64(generator.random.below(4))
    let page = function + 0x1000 * UInt64(generator.random.below(3))
    machine.translator.invalidate(page..<(page + 1))
  }

  /// Runs from one breakpoint to the next, at instructions that the stepped run has passed.
  private func compareBreakpoints(
    _ initial: machine_state, _ count: Int, _ boundaries: [Int], _ generator: inout ProgramGenerator
  ) -> [String] {
    guard count > 1 else { return [] }
    var addresses: Set<UInt64> = []
    for _ in 0..<3 { addresses.insert(steps[generator.random.below(count)].rip) }
    addresses = addresses.filter { Machine.code.contains($0) }
    machine.translator.setBreakpoints(CodeBreakpoints(addresses))
    defer { machine.translator.setBreakpoints(.none) }
    machine.restoreData()
    var state = initial
    var passed = 0, ticks: Int64 = 0
    // Repeated string instructions step once for each element; their breakpoint is hit once.
    for index in 0..<count where addresses.contains(steps[index].rip) {
      if (index > 0 ? steps[index - 1].rip : initial.rip) == steps[index].rip { continue }
      let outcome = machine.runTranslated(state, leavingBreakpoint: true)
      guard outcome.stop == .breakpoint else {
        return ["step \(index): no breakpoint but \(outcome.stop), signal \(outcome.signal)"]
      }
      if let problem = difference(outcome, index) { return ["breakpoint at step \(index): " + problem] }
      ticks += outcome.ticks
      let expectedTicks = boundaries.prefix { $0 <= index }.count
      if ticks != expectedTicks { return ["breakpoint at step \(index): \(ticks) ticks and \(expectedTicks)"] }
      state = outcome.state
      passed += 1
      if passed == 20 { break }
    }
    return []
  }

  func differenceAt(_ outcome: Machine.Outcome, _ boundary: Int) -> String? {
    if outcome.stop != .ticksExhausted { return "stopped for \(outcome.stop), signal \(outcome.signal)" }
    return difference(outcome, boundary)
  }

  /// How the outcome's registers differ from the stepped run's behind a step.
  func difference(_ outcome: Machine.Outcome, _ boundary: Int) -> String? {
    var expected = outcome.state
    expected.rip = steps[boundary].rip
    expected.flags = steps[boundary].flags
    expected.general = steps[boundary].general
    clearDeadFlags(&expected)
    let differences = outcome.state.differences(expected)
    return differences.isEmpty ? nil : differences.joined(separator: "; ")
  }

  /// Runs the program of `seed` with every budget of ticks and prints where the first difference is: the boundaries
  /// before it, and the code.
  mutating func explain(seed: UInt64) {
    print(run(seed: seed))
    var generator = ProgramGenerator(seed: seed, decoder)
    let (code, entry) = generator.makeProgram()
    fillData(&generator)
    let initial = initialState(&generator, entry)
    var stepped = initial
    let native = harness_run(&stepped, steps, Self.stepMax)
    let boundaries = tickBoundaries(initial, native.step_count, nil)
    var last = -1
    for (number, boundary) in boundaries.enumerated() {
      machine.restoreData()
      let outcome = machine.runTranslated(initial, budget: Int64(number + 1))
      if let problem = differenceAt(outcome, boundary) {
        print("tick \(number + 1), step \(boundary): \(problem)")
        break
      }
      last = boundary
    }
    print("native end: signal \(native.signal) at \(hex(stepped.rip)) after \(native.step_count) steps")
    for step in max(0, last - 2)..<min(native.step_count, last + 60) { print("step \(step): \(hex(steps[step].rip))") }
    print("code at \(hex(generator.origin)), entry \(hex(entry))")
    print(code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
  }

  /// What every stop of a translation does to flags that nothing reads any more.
  private func clearDeadFlags(_ state: inout machine_state) {
    var registers = Registers(state)
    machine.translator.clearDeadFlags(&registers)
    registers.write(to: &state)
  }

  /// The bytes in use of each zone.
  var zoneUse: [Int] { machine.translator.zones.map(\.usedByteCount) }
  var statistics: TranslationStatistics { machine.translator.statistics }
}
