import KernelABI
import Testing

import Scheduling

/// A machine that does what the scheduler says: threads that compute, and calls that end after some progress.
private struct ToyMachine {
  let scheduler: Scheduler
  /// Ticks that each has run, by number.
  var ticks: [Int32: UInt64] = [:]
  var switches = 0
  var idle: UInt64 = 0
  var slices: [Scheduler.Slice] = []
  private var last: Tid?

  init(_ policy: Scheduler.Policy, threads: Int32, sliceTicksMax: UInt64 = 1000) {
    scheduler = Scheduler(policy: policy, sliceTicksMax: sliceTicksMax)
    for number in 1...max(threads, 1) {
      scheduler.add(Tid(number))
      scheduler.setReady(Tid(number), true)
    }
  }

  /// One decision; the tracee computes to the end of its slice, or does `ticks` before an event.
  @discardableResult
  mutating func step(eventAfter: UInt64? = nil) -> Tid? {
    switch scheduler.next() {
    case .waitForAny: return nil
    case .idle(let progress):
      idle += progress
      scheduler.chargeIdle(progress)
      return nil
    case .run(let slice):
      if last != slice.tid { switches += 1 }
      last = slice.tid
      slices.append(slice)
      let ran = min(slice.ticks, eventAfter ?? .max)
      ticks[slice.tid.rawValue, default: 0] += ran
      scheduler.charge(ran)
      if ran == slice.ticks { scheduler.endSlice() }
      return slice.tid
    }
  }
}

@Suite struct FairSchedulerTests {
  @Test func computingThreadsTakeTurnsOfFullSlices() {
    var machine = ToyMachine(.fair, threads: 3)
    let order = (0..<6).compactMap { _ in machine.step()?.rawValue }
    #expect(order == [1, 2, 3, 1, 2, 3])
    #expect(machine.slices.allSatisfy { $0.ticks == 1000 && $0.instructions == 0 })
  }

  @Test func anEventDoesNotEndASlice() {
    var machine = ToyMachine(.fair, threads: 2)
    #expect(machine.step(eventAfter: 10) == Tid(1))
    #expect(machine.step(eventAfter: 10) == Tid(1))
    #expect(machine.slices[1].ticks == 989)
  }

  @Test func oneThatOnlyMakesCallsGivesWay() {
    var machine = ToyMachine(.fair, threads: 2)
    let first = (0..<2000).firstIndex { _ in machine.step(eventAfter: 0) == Tid(2) }
    #expect(first == 1000)
  }

  @Test func yieldingGivesWayToAllOthers() {
    var machine = ToyMachine(.fair, threads: 3)
    var order: [Int32] = []
    for _ in 0..<6 {
      if let tid = machine.step(eventAfter: 5) { order.append(tid.rawValue) }
      machine.scheduler.yield()
    }
    #expect(order == [1, 2, 3, 1, 2, 3])
  }

  @Test func aCallThatHasEndedWaitsForOneSlice() {
    var machine = ToyMachine(.fair, threads: 3)
    machine.scheduler.setReady(Tid(3), false)
    for _ in 0..<7 { machine.step() }
    let progress = machine.scheduler.progress
    machine.scheduler.setReady(Tid(3), true)
    #expect(machine.step() == Tid(3))
    #expect(machine.scheduler.progress - progress <= 2 * 1000)
  }

  @Test func alwaysSwitchTakesAnotherAtEveryEvent() {
    var machine = ToyMachine(.alwaysSwitch, threads: 3)
    #expect((0..<6).compactMap { _ in machine.step(eventAfter: 1)?.rawValue } == [1, 2, 3, 1, 2, 3])
  }

  @Test(arguments: [Scheduler.Policy.fair, .alwaysSwitch, .chaos(seed: 3)])
  func aloneItRunsOn(_ policy: Scheduler.Policy) {
    var machine = ToyMachine(policy, threads: 1)
    for _ in 0..<10 { #expect(machine.step() == Tid(1)) }
    machine.scheduler.setReady(Tid(1), false)
    #expect(machine.scheduler.next() == .waitForAny)
    machine.scheduler.remove(Tid(1))
    #expect(machine.scheduler.next() == .waitForAny)
  }
}

@Suite struct ChaosTests {
  private func run(_ seed: UInt64, threads: Int32 = 4, steps: Int = 5000) -> ToyMachine {
    var machine = ToyMachine(.chaos(seed: seed), threads: threads, sliceTicksMax: 2_500_000)
    for step in 0..<steps { machine.step(eventAfter: step % 3 == 0 ? 100 : nil) }
    return machine
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func theSameSeedDecidesTheSame(_ seed: UInt64) {
    #expect(run(seed, steps: 3000).slices == run(seed, steps: 3000).slices)
    #expect(run(seed, steps: 3000).slices != run(seed + 1, steps: 3000).slices)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func slicesAreOfAllLengths(_ seed: UInt64) {
    let slices = run(seed, steps: 20_000).slices
    #expect(slices.allSatisfy { (1...2_500_000).contains($0.ticks) && (0...12).contains($0.instructions) })
    #expect(slices.contains { $0.ticks <= 4 })
    #expect(slices.contains { $0.ticks > 100_000 })
    #expect(slices.contains { $0.instructions > 0 })
  }

  /// Whoever can run does so in the end, whatever it lost before.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func nobodyStarves(_ seed: UInt64) {
    var machine = ToyMachine(.chaos(seed: seed), threads: 5, sliceTicksMax: 2_500_000)
    var lastRun: [Int32: UInt64] = [:]
    var longest: UInt64 = 0
    for _ in 0..<8000 {
      guard let tid = machine.step()?.rawValue else { continue }
      longest = max(longest, machine.scheduler.progress - (lastRun[tid] ?? 0))
      lastRun[tid] = machine.scheduler.progress
    }
    for last in lastRun.values { longest = max(longest, machine.scheduler.progress - last) }
    #expect(lastRun.count == 5)
    // A hold, the longest wait of a strict phase, and a slice of each of the others.
    #expect(longest < 15_000_000 + 20_000_000 + 6 * 2_500_000, "somebody waited for \(longest)")
    #expect(longest > 50_000, "nobody was held up")
  }

  /// One that spins until another has run a little must not keep it from doing so for ever.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func idlingIsBounded(_ seed: UInt64) {
    var machine = ToyMachine(.chaos(seed: seed), threads: 3, sliceTicksMax: 2_500_000)
    machine.scheduler.setReady(Tid(3), false)
    for step in 0..<5000 {
      machine.step(eventAfter: 50)
      if step % 50 == 0 { machine.scheduler.setReady(Tid(3), step % 100 == 0) }
    }
    let others = machine.scheduler.progress - machine.idle
    #expect(machine.idle <= 15 * 2_500_000 + others / 4)
  }

  @Test func withoutOthersNothingIsChaotic() {
    var machine = ToyMachine(.chaos(seed: 1), threads: 1)
    for _ in 0..<100 { machine.step() }
    #expect(machine.slices.allSatisfy { $0.ticks == 1000 && $0.instructions == 0 })
    #expect(machine.idle == 0)
    #expect(!machine.scheduler.delaysCall())
  }

  @Test func logarithmsAreUniform() {
    var random = SeededGenerator(seed: 5)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<10_000 {
      let value = random.logUniform(to: 1000)
      #expect((1...1000).contains(value))
      counts[63 - value.leadingZeroBitCount] += 1
    }
    #expect(counts.allSatisfy { (800...1200).contains($0) }, "\(counts)")
  }

  @Test func processorsAreOneToEight() {
    let counts = Set((1...100 as ClosedRange<UInt64>).map { Scheduler.coreCount(chaosSeed: $0) })
    #expect(counts == Set(1...8))
  }
}
