import KernelABI

// Chaos: decisions that make rare orders of events likely.
//
// No one way to be unfair finds all bugs, so that a recording goes through phases, each with a style and with numbers
// of its own. Most are drawn log-uniformly: a window may be three ticks wide or a million, and all widths are tried as
// often. Everything is bounded: a tracee that is ready runs after a while whatever the phase says.
extension Scheduler {
  func decideChaotically(hasYielded: Bool) -> Decision {
    guard var chaos else { return .waitForAny }
    defer { self.chaos = chaos }
    chaos.beginPhaseIfDue(&entries, progress)
    let currentIndex = currentIndex.flatMap { entries[$0].isReady ? $0 : nil }
    if let currentIndex {
      let hasRivals = entries.indices.contains { $0 != currentIndex && entries[$0].isReady }
      let isHeld = entries[currentIndex].heldUntil > progress
      if !hasYielded, !isHeld, let slice = restOfSlice, !(hasRivals && chaos.switchesAtEvent()) { return .run(slice) }
      if entries.count > 1 { chaos.giveWay(&entries, currentIndex, progress, hasYielded: hasYielded) }
    }
    var candidates = entries.indices.filter { entries[$0].isReady && entries[$0].heldUntil <= progress }
    if candidates.isEmpty {
      let ready = entries.indices.filter { entries[$0].isReady }
      guard let earliest = ready.min(by: { entries[$0].heldUntil < entries[$1].heldUntil }) else { return .waitForAny }
      if ready.count < entries.count, let idle = chaos.idle(upTo: entries[earliest].heldUntil - progress) {
        return .idle(progress: idle)
      }
      entries[earliest].heldUntil = progress
      candidates = [earliest]
    }
    let index = chaos.choose(entries, candidates, progress, avoiding: hasYielded ? currentIndex : nil)
    guard entries.count > 1 else { return .run(start(index, ticks: sliceTicksMax, instructions: 0)) }
    let ticks = chaos.sliceTicks()
    return .run(start(index, ticks: ticks, instructions: chaos.instructionsBehindSlice()))
  }

  /// How many ticks on a signal is delivered that came in the middle of code.
  package func signalDelayTicks() -> UInt64 { chaos?.signalDelayTicks() ?? 1 }

  /// Whether others go first where the current tracee stands before a call that may sleep.
  package func delaysCall() -> Bool {
    guard entries.count > 1, let index = currentIndex else { return false }
    return chaos?.delaysCall(&entries, index, progress) ?? false
  }

  /// How many processors the program is told of.
  package static func coreCount(chaosSeed: UInt64) -> Int {
    var random = SeededGenerator(seed: ~chaosSeed)
    return Int.random(in: 1...8, using: &random)
  }
}

/// What chaos is up to.
struct ChaosState {
  private var random: SeededGenerator
  private let sliceTicksMax: UInt64
  /// The longest slice unless another is asked for, and 20 ms of time.
  private static let longSlice: UInt64 = 2_500_000
  private var phase = Phase()
  private var phaseEnd: UInt64 = 0
  /// Phases of many short slices take their time from the program: they are counted, too.
  private var slicesLeft = 0
  /// How much longer nobody may run although someone could.
  private var idleAllowance = idleAllowanceMax
  private static let idleAllowanceMax = longSlice * 15
  private var lowestPriority: Int64 = 0

  struct Phase {
    var isStrict = false
    /// The longest slice.
    var sliceTicks: UInt64 = 1
    /// Of giving way at an event, in the middle of a slice.
    var switchPercent = 0
    /// Of being held when giving way.
    var holdPercent = 0
    /// Holds are so long that others who sleep meanwhile wake up; nobody may run at all until then.
    var holdsLong = false
    /// Of losing all priority at the end of a slice.
    var demotionPercent = 0
    /// A tracee that waited longer than this is next.
    var starvationLimit: UInt64 = 0
  }

  init(seed: UInt64, sliceTicksMax: UInt64) {
    random = SeededGenerator(seed: seed)
    self.sliceTicksMax = sliceTicksMax
  }

  // MARK: - Phases

  mutating func beginPhaseIfDue(_ entries: inout [Scheduler.Entry], _ progress: UInt64) {
    guard progress >= phaseEnd || slicesLeft == 0 else { return }
    let isDense = random.chance(percent: 25)
    phase.isStrict = random.chance(percent: 50)
    phase.sliceTicks = isDense ? pick(2, 8, 32) : min(random.logUniform(to: sliceTicksMax) * 16, sliceTicksMax)
    phase.switchPercent = pick(10, 30, 60)
    phase.holdPercent = pick(10, 40, 80)
    phase.holdsLong = random.chance(percent: 75)
    phase.demotionPercent = pick(2, 10, 50)
    phase.starvationLimit = Self.longSlice / 64 * random.logUniform(to: 512)
    phaseEnd = progress + Self.longSlice / 64 * random.logUniform(to: 1024)
    slicesLeft = isDense ? 400 : 1500
    guard random.chance(percent: 50) else { return }
    for index in entries.indices { entries[index].priority = newPriority() }
  }

  private mutating func pick<Value>(_ values: Value...) -> Value {
    values[Int.random(in: values.indices, using: &random)]
  }

  private mutating func newPriority() -> Int64 { Int64.random(in: 1...Int64(Int32.max), using: &random) }

  // MARK: - What becomes of tracees

  /// What threads do to each other begins with a birth: often a new phase does, too, or one of the two goes first by
  /// far.
  mutating func noteBirth(_ entries: inout [Scheduler.Entry], parent: Int?, _ progress: UInt64) {
    let newborn = entries.count - 1
    entries[newborn].priority = newPriority()
    guard let parent else { return }
    if random.chance(percent: 50) { phaseEnd = progress }
    guard random.chance(percent: 75) else { return }
    let held = random.chance(percent: 50) ? newborn : parent
    entries[held].heldUntil = progress + hold()
  }

  /// Nobody is held for the sake of others that are held themselves.
  private func canHold(_ entries: [Scheduler.Entry], _ index: Int, _ progress: UInt64) -> Bool {
    let others = entries.indices.filter { $0 != index && entries[$0].isReady }
    return others.isEmpty || others.contains { entries[$0].heldUntil <= progress }
  }

  /// How long others go first.
  private mutating func hold() -> UInt64 {
    phase.holdsLong ? Self.longSlice / 16 * random.logUniform(to: 96) : random.logUniform(to: Self.longSlice / 8)
  }

  mutating func noteReady(_ entry: inout Scheduler.Entry, _ progress: UInt64) {
    guard random.chance(percent: phase.holdPercent / 4) else { return }
    entry.heldUntil = progress + random.logUniform(to: Self.longSlice / 8)
  }

  mutating func giveWay(_ entries: inout [Scheduler.Entry], _ index: Int, _ progress: UInt64, hasYielded: Bool) {
    guard entries[index].heldUntil <= progress else { return }
    if canHold(entries, index, progress), random.chance(percent: phase.holdPercent) {
      entries[index].heldUntil = progress + hold()
    }
    if phase.isStrict, hasYielded, random.chance(percent: phase.demotionPercent) { noteYield(&entries[index]) }
  }

  /// The last of all, until priorities are new.
  mutating func noteYield(_ entry: inout Scheduler.Entry) {
    lowestPriority -= 1
    entry.priority = lowestPriority
  }

  mutating func allowIdling(for ticks: UInt64) {
    idleAllowance = min(idleAllowance + ticks / 4, Self.idleAllowanceMax)
  }

  /// In small pieces: one that a tracee interrupts by becoming ready counts for nothing.
  func idle(upTo wanted: UInt64) -> UInt64? {
    let idle = min(wanted, Self.longSlice / 16)
    return idle <= idleAllowance ? idle : nil
  }

  mutating func noteIdle(_ progress: UInt64) { idleAllowance -= min(progress, idleAllowance) }

  // MARK: - Draws

  mutating func switchesAtEvent() -> Bool { random.chance(percent: phase.switchPercent) }

  mutating func delaysCall(_ entries: inout [Scheduler.Entry], _ index: Int, _ progress: UInt64) -> Bool {
    guard canHold(entries, index, progress), random.chance(percent: phase.switchPercent) else { return false }
    entries[index].heldUntil = progress + hold()
    return true
  }

  mutating func choose(
    _ entries: [Scheduler.Entry], _ candidates: [Int], _ progress: UInt64, avoiding avoided: Int?
  ) -> Int {
    // Entries are in the order of their last runs: the first has waited longest, unless it wasn't ready.
    let first = candidates.min { entries[$0].waitsSince < entries[$1].waitsSince }
    if let first, progress - entries[first].waitsSince > phase.starvationLimit { return first }
    if phase.isStrict, let best = candidates.max(by: { entries[$0].priority < entries[$1].priority }) { return best }
    let others = candidates.filter { $0 != avoided }
    return others.randomElement(using: &random) ?? candidates[0]
  }

  mutating func sliceTicks() -> UInt64 {
    slicesLeft -= 1
    // Whatever the phase: the windows of many bugs are right behind the event that a slice begins with.
    return random.logUniform(to: random.chance(percent: 25) ? min(16, sliceTicksMax) : phase.sliceTicks)
  }

  /// Between two ticks there may be the few instructions that matter.
  mutating func instructionsBehindSlice() -> Int {
    random.chance(percent: 50) ? Int.random(in: 1...12, using: &random) : 0
  }

  mutating func signalDelayTicks() -> UInt64 {
    random.chance(percent: 50) ? random.logUniform(to: 4096) : 1
  }
}
