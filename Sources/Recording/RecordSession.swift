import CLinuxShim
import Execution
import KernelABI
import Scheduling
import Syscalls
import SystemPackage
import TraceFormat
import TraceeControl

/// One recording: all tracees under the tracer, one of them running at a time.
///
/// The order of events is the order in which tracees were let run: a tracee's application code between two of its
/// events ran right before the second one, and nothing else ran meanwhile. Replay counts on that and on nothing else.
final class RecordSession {
  let options: RecordOptions
  let engine: any Engine
  let writer: TraceWriter
  var tracees: [Tid: RecordTracee] = [:]
  /// Statuses of tracees that their parent's stop hasn't announced yet.
  var unannounced: [Tid: [WaitStatus]] = [:]
  /// Tracees with pending statuses, in order of arrival.
  var arrivals: [Tid] = []
  let scheduler: Scheduler
  /// The tracee that is in a call whose entry isn't recorded; at most one is.
  weak var unrecordedEntry: RecordTracee?
  /// The tracee that has run code since its last event, and stands at a tick that isn't recorded; at most one does.
  weak var unrecordedPreemption: RecordTracee?
  /// Who runs by the scheduler's last decision, and its progress at that moment.
  private weak var current: RecordTracee?
  private var progressAtStart: UInt64 = 0
  let sharedMemory = SharedMemory()
  /// Files mapped privately that may be written in place: pages that weren't copied yet show what is written.
  let privateFiles = FileKeys()
  /// Stops that were waited for here, and those of tracees that are gone.
  private var countedStops = StopCounts()
  var eventCount: UInt64 = 0
  var notes: [String] = []
  /// The first process, and how it ended.
  var rootID = Tid(0)
  var rootStatus: WaitStatus?
  /// The device numbers of the terminals that rrs's stdout and stderr are; nil where they are none.
  let terminals: [UInt64?] = [1, 2].map { own in
    FileStatus(path: "/proc/self/fd/\(own)").flatMap { $0.isTerminal ? $0.representedDevice : nil }
  }
  private var terminationDeadline: UInt64?
  /// Some tracee opened a /proc/PID/mem: writes to it change memory.
  var memoryFilesOpened = false

  /// What stands for a tick where time is meant, or no ticks are counted: the longest slice is then 20 ms, long enough
  /// that switches cost little, short enough that pipelines flow.
  private static let nanosecondsPerTick: UInt64 = 8

  init(options: RecordOptions, engine: any Engine, writer: TraceWriter) {
    self.options = options
    scheduler = Scheduler(policy: options.schedulingPolicy, sliceTicksMax: options.maxTimeSliceTicks)
    self.engine = engine
    self.writer = writer
  }

  // MARK: - The loop

  /// Preconditions: the tracee is in the exit-stop of the execve that started the program.
  func run(first tid: Tid) throws {
    rootID = tid
    let group = ThreadGroup(id: tid, recordedID: tid)
    let tracee = RecordTracee(Tracee(tid: tid, recordedTid: tid, addressSpace: AddressSpace(), threadGroup: group))
    add(tracee)
    try startImage(tracee, formerTid: tid)
    options.onStart()
    while !isDone { try runOnce() }
    try appendEnd()
    killRest()
  }

  private var isDone: Bool {
    rootStatus != nil && (!options.waitForAll || tracees.isEmpty) || tracees.isEmpty
  }

  private func runOnce() throws {
    try pollArrivals()
    if let tracee = nextArrival() {
      try guarded(tracee) { try handleNext(tracee) }
      return
    }
    switch decide() {
    case .waitForAny:
      try waitForArrival()
    case .idle(let progress):
      try idle(progress)
    case .run(let slice):
      guard let tracee = tracees[slice.tid] else { return }
      try guarded(tracee) {
        try recordPendingPreemption(before: tracee)
        try start(tracee, slice)
      }
    }
  }

  private func decide() -> Scheduler.Decision {
    if let current {
      // The engine forgets the ticks of one that is gone.
      let progress = progress(of: current)
      scheduler.charge(progress > progressAtStart ? progress - progressAtStart : 0)
    }
    current = nil
    return scheduler.next()
  }

  private func start(_ tracee: RecordTracee, _ slice: Scheduler.Slice) throws {
    current = tracee
    progressAtStart = progress(of: tracee)
    tracee.sliceEnd = progressAtStart + slice.ticks
    tracee.instructionsBehindSlice = slice.instructions
    if tracee.isBeforeCall {
      tracee.isBeforeCall = false
      try letSleep(tracee)
    } else {
      try runOn(tracee)
    }
  }

  /// The tracee's ticks, or what stands for them.
  private func progress(of tracee: RecordTracee) -> UInt64 {
    engine.countsTicks ? engine.ticks(of: tracee.tracee) : rrs_monotonic_nanoseconds() / Self.nanosecondsPerTick
  }

  /// Lets nobody run, unless something happens to a tracee.
  private func idle(_ progress: UInt64) throws {
    let end = rrs_monotonic_nanoseconds() + progress * Self.nanosecondsPerTick
    while arrivals.isEmpty {
      let now = rrs_monotonic_nanoseconds()
      guard now < end else { return scheduler.chargeIdle(progress) }
      var rest = (seconds: 0, nanoseconds: Int(min(end - now, 200_000)))
      _ = withUnsafePointer(to: &rest) {
        rrs_syscall(SyscallNumber.nanosleep, UInt(bitPattern: $0), 0, 0, 0, 0, 0)
      }
      try pollArrivals()
    }
  }

  /// Lets the tracee run application code until something happens to it.
  func runOn(_ tracee: RecordTracee) throws {
    // Nobody else has run since it stopped at its tick: it might as well not have stopped.
    if unrecordedPreemption === tracee { unrecordedPreemption = nil }
    tracee.state = .running
    try engine.resume(tracee.tracee, request(for: tracee))
    try waitFor(tracee)
    try handleNext(tracee)
  }

  private func request(for tracee: RecordTracee) -> RunRequest {
    if tracee.call != nil { return .systemCall }
    guard engine.countsTicks else { return .application(signal: nil, until: nil) }
    let sliceEnd = max(tracee.sliceEnd, engine.ticks(of: tracee.tracee) + 1)
    return .application(signal: nil, until: .slice(tracee.nextTick ?? sliceEnd))
  }

  /// A tracee can be killed at any moment: then requests fail with ESRCH, and its end is reported by wait.
  func guarded(_ tracee: RecordTracee, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as KernelError where error.errno == .noSuchProcess && error.tid == tracee.tid {
      tracee.state = .dying
    } catch let error as TraceeDied {
      tracee.pending.insert(error.status, at: 0)
      arrivals.append(tracee.tid)
    }
  }

  func handleNext(_ tracee: RecordTracee) throws {
    guard !tracee.pending.isEmpty else { return }
    let status = tracee.pending.removeFirst()
    guard let stop = try engine.interpret(tracee.tracee, status) else {
      try engine.resume(tracee.tracee, request(for: tracee))
      try waitFor(tracee)
      return try handleNext(tracee)
    }
    try handle(tracee, stop)
  }

  // MARK: - Waiting

  private func nextArrival() -> RecordTracee? {
    // Who is told first is no matter of chance where all that can arrive has.
    if scheduler.isChaotic { arrivals.sort() }
    while !arrivals.isEmpty {
      let tid = arrivals.removeFirst()
      if let tracee = tracees[tid], !tracee.pending.isEmpty { return tracee }
    }
    return nil
  }

  /// Takes what has been reported, without waiting.
  private func pollArrivals() throws {
    guard tracees.count > 1 else { return }
    if scheduler.isChaotic { return try settleCalls() }
    while try takeStatus(options: Self.noHang) != nil {}
  }

  private static let noHang: Int32 = 1

  /// Takes one status from the kernel, and files it with its tracee. Nil: there is none now (with WNOHANG), or a signal
  /// interrupted the wait.
  func takeStatus(options waitOptions: Int32) throws -> RecordTracee? {
    var raw: Int32 = 0
    let result = rrs_wait(-1, &raw, waitOptions)
    if result == 0 { return nil }
    if result == -Int(Errno.interrupted.rawValue) {
      try checkTermination()
      deliverOverdueSignals()
      if let running = tracees.values.first(where: { $0.state == .running }) {
        try guarded(running) { try engine.checkRunning(running.tracee) }
      }
      return nil
    }
    let tid = Tid(Int32(try check(result, "wait4")))
    let status = WaitStatus(raw: raw)
    countedStops.count(status)
    guard let tracee = tracees[tid] else {
      unannounced[tid, default: []].append(status)
      return nil
    }
    tracee.pending.append(status)
    arrivals.append(tid)
    return tracee
  }

  /// Waits until a tracee other than the running one has something to say. All sleep in system calls.
  private func waitForArrival() throws {
    try checkTermination()
    _ = try takeStatus(options: 0)
  }

  /// Waits until this tracee stops. What others report meanwhile is kept for later.
  func waitFor(_ tracee: RecordTracee) throws {
    while tracee.pending.isEmpty { _ = try takeStatus(options: 0) }
  }

  /// Waits a moment for a call that most likely doesn't sleep: tracer and tracee share a processor, so that yielding
  /// it lets the call run to its end, or to where it sleeps.
  func waitBriefly(_ tracee: RecordTracee) throws {
    if scheduler.isChaotic { return try settleCalls() }
    for _ in 0..<3 {
      while try takeStatus(options: Self.noHang) != nil {}
      if !tracee.pending.isEmpty { return }
      rrs_yield()
    }
  }

  /// Waits until all calls have ended or sleep: then decisions don't depend on how fast the kernel was. Whoever is
  /// woken by a call is awake when that has returned.
  private func settleCalls() throws {
    for tracee in tracees.values where tracee.state == .inSyscall {
      while tracee.pending.isEmpty {
        while try takeStatus(options: Self.noHang) != nil {}
        guard tracee.pending.isEmpty, ProcFS.state(tracee.tid) == "R" else { break }
        rrs_yield()
      }
    }
    while try takeStatus(options: Self.noHang) != nil {}
  }

  // MARK: - Tracees

  func add(_ tracee: RecordTracee) {
    tracees[tracee.tid] = tracee
    scheduler.add(tracee.tid)
    tracee.onReadiness = { [scheduler, tid = tracee.tid] in scheduler.setReady(tid, $0) }
    if let statuses = unannounced.removeValue(forKey: tracee.tid) {
      tracee.pending += statuses
      arrivals.append(tracee.tid)
    }
  }

  func remove(_ tracee: RecordTracee) {
    tracees[tracee.tid] = nil
    countedStops.remoteCalls += tracee.tracee.stopCount
    tracee.onReadiness = { _ in }
    scheduler.remove(tracee.tid)
    if current === tracee { current = nil }
    if unrecordedEntry === tracee { unrecordedEntry = nil }
    if unrecordedPreemption === tracee { unrecordedPreemption = nil }
  }

  var stops: StopCounts {
    var stops = countedStops
    for tracee in tracees.values { stops.remoteCalls += tracee.tracee.stopCount }
    return stops
  }

  // MARK: - The end

  /// SIGTERM to rrs goes to the first process; five seconds later all are killed.
  private func checkTermination() throws {
    if rrs_take_termination() != 0, terminationDeadline == nil {
      _ = rrs_syscall(SyscallNumber.kill, UInt(rootID.rawValue), UInt(Signal.terminate.rawValue), 0, 0, 0, 0)
      terminationDeadline = rrs_monotonic_nanoseconds() + 5_000_000_000
      rrs_alarm(5000)
    } else if let deadline = terminationDeadline, rrs_monotonic_nanoseconds() >= deadline {
      for tid in tracees.keys {
        _ = rrs_syscall(SyscallNumber.tkill, UInt(tid.rawValue), UInt(Signal.kill.rawValue), 0, 0, 0, 0)
      }
    } else if terminationDeadline != nil {
      // The alarm may have been set anew by others.
      rrs_alarm(1000)
    }
  }

  /// The recording can't go on: nothing of it stays behind but the trace.
  func abandon() {
    try? writer.flush()
    killRest()
  }

  /// Descendants that outlive the recording end with it.
  private func killRest() {
    for tid in tracees.keys {
      _ = rrs_syscall(SyscallNumber.tkill, UInt(tid.rawValue), UInt(Signal.kill.rawValue), 0, 0, 0, 0)
    }
    var raw: Int32 = 0
    while true {
      let result = rrs_wait(-1, &raw, 0)
      if result == -Int(Errno.interrupted.rawValue) { continue }
      guard result > 0 else { return }
      if case .event = WaitStatus(raw: raw) { try? Ptrace.resume(Tid(Int32(result))) }
    }
  }
}
