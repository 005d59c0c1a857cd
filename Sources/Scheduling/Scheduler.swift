package import KernelABI

/// Decides which tracee runs next, and how long.
///
/// It is told what becomes of tracees, and answers with decisions; it makes no request, and knows no clock. What it
/// knows instead of time is *progress*: the ticks that tracees have run, and a thousandth of the longest slice for
/// every event, so that a tracee that does nothing but system calls gives way, too. So decisions depend on nothing but
/// what it was told.
///
/// The fair policy takes ready tracees in turn: the one that hasn't run for the longest time is next. A tracee whose
/// call has ended therefore runs when the current slice is over, whatever else is ready, unless that has waited longer.
package final class Scheduler {
  package enum Policy: Equatable, Sendable {
    case fair
    /// Another tracee at every decision.
    case alwaysSwitch
    case chaos(seed: UInt64)
  }

  package enum Decision: Equatable, Sendable {
    case run(Slice)
    /// Let nobody run for a while, although someone could, unless a tracee becomes ready meanwhile.
    case idle(progress: UInt64)
    /// Nobody can run before something happens to a tracee.
    case waitForAny
  }

  package struct Slice: Equatable, Sendable {
    package var tid: Tid
    /// After so many ticks the slice is over.
    package var ticks: UInt64
    /// Instructions behind that tick, to stop where no tick is.
    package var instructions: Int
  }

  struct Entry {
    let tid: Tid
    var isReady = false
    /// The progress at which it became ready, or ran last.
    var waitsSince: UInt64 = 0
    /// Chaos: until this progress others go first.
    var heldUntil: UInt64 = 0
    /// Chaos: the highest runs, in strict phases.
    var priority: Int64 = 0
  }

  let policy: Policy
  let sliceTicksMax: UInt64
  /// The progress that an event stands for.
  let eventCost: UInt64
  /// In the order of their last runs, the last one being the most recent.
  var entries: [Entry] = []
  package var progress: UInt64 = 0
  var chaos: ChaosState?
  /// Whoever ran last, with what is left of the slice.
  var current: (slice: Slice, used: UInt64)?
  private var hasYielded = false
  /// Of what has happened since the last decision.
  private var cost: UInt64

  package init(policy: Policy, sliceTicksMax: UInt64) {
    self.policy = policy
    self.sliceTicksMax = sliceTicksMax
    eventCost = max(sliceTicksMax / 1000, 1)
    cost = eventCost
    if case .chaos(let seed) = policy { chaos = ChaosState(seed: seed, sliceTicksMax: sliceTicksMax) }
  }

  package var isChaotic: Bool { chaos != nil }

  // MARK: - What becomes of tracees

  /// A tracee was born. It isn't ready yet.
  package func add(_ tid: Tid) {
    entries.append(Entry(tid: tid))
    chaos?.noteBirth(&entries, parent: currentIndex, progress)
  }

  package func remove(_ tid: Tid) {
    entries.removeAll { $0.tid == tid }
    if current?.slice.tid == tid { current = nil }
  }

  /// The tracee can run from now on, or it can't: it sleeps in a call, is stopped, or dies.
  package func setReady(_ tid: Tid, _ isReady: Bool) {
    guard let index = entries.firstIndex(where: { $0.tid == tid }), entries[index].isReady != isReady else { return }
    entries[index].isReady = isReady
    guard isReady else { return }
    entries[index].waitsSince = progress
    if entries.count > 1 { chaos?.noteReady(&entries[index], progress) }
  }

  /// The current tracee has run so many ticks.
  package func charge(_ ticks: UInt64) {
    progress += ticks
    current?.used += ticks
    chaos?.allowIdling(for: ticks)
  }

  /// Nobody has run for so long, as decided, and nobody has become ready.
  package func chargeIdle(_ progress: UInt64) {
    self.progress += progress
    chaos?.noteIdle(progress)
    cost = 0
  }

  /// The current tracee has used up its slice.
  package func endSlice() {
    hasYielded = true
    cost = 0
  }

  /// The current tracee gives up the rest of its slice (sched_yield(2)). All others are asked before it is again.
  package func yield() {
    hasYielded = true
    if let currentIndex { chaos?.noteYield(&entries[currentIndex]) }
  }

  package var hasReady: Bool { entries.contains(where: \.isReady) }

  var currentIndex: Int? {
    current.flatMap { current in entries.firstIndex { $0.tid == current.slice.tid } }
  }

  // MARK: - Decisions

  /// Who runs next, after an event or the end of a slice.
  package func next() -> Decision {
    let hasYielded = hasYielded
    self.hasYielded = false
    charge(cost)
    cost = eventCost
    if chaos != nil { return decideChaotically(hasYielded: hasYielded) }
    if policy == .fair, !hasYielded, let slice = restOfSlice { return .run(slice) }
    guard let index = entries.firstIndex(where: \.isReady) else { return .waitForAny }
    return .run(start(index, ticks: sliceTicksMax, instructions: 0))
  }

  /// What the current tracee may still run; nil if it can't, or the slice is over.
  var restOfSlice: Slice? {
    guard var slice = current?.slice, let used = current?.used, used < slice.ticks,
      let index = currentIndex, entries[index].isReady
    else { return nil }
    slice.ticks -= used
    return slice
  }

  func start(_ index: Int, ticks: UInt64, instructions: Int) -> Slice {
    var entry = entries.remove(at: index)
    entry.waitsSince = progress
    entries.append(entry)
    let slice = Slice(tid: entry.tid, ticks: ticks, instructions: instructions)
    current = (slice, 0)
    return slice
  }
}
