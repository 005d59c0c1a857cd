import ArgumentParser
import CLinuxShim
import Debugging
import Execution
import Glibc
import KernelABI
import Replay
import TraceFormat

/// `rrs create-checkpoints`
struct CreateCheckpointsCommand: Verb {
  static let form = VerbForm(
    name: "create-checkpoints",
    options: [
      .value("interval-events", "i"), .value("interval"), .value("goto", "g"), .flag("cpu-unbound", "u"),
      .flag("follow"),
    ])

  static let configuration = VerbForm.configuration(
    "create-checkpoints", abstract: "Replay a recording, and save checkpoints that later replays begin at.",
    discussion: """
      They lie in the trace's directory 'checkpoints': what changes between them is what they take. 'rrs replay' and \
      'rrs rerun' begin at the nearest one, unless they are told --ignore-pcp; 'rrs rm --checkpoints' deletes them.
      """)

  @Option(
    name: [.customShort("i"), .customLong("interval-events")],
    help: ArgumentHelp("One at every so many events.", valueName: "events"))
  var eventInterval: UInt64?

  @Option(
    name: .customLong("interval"),
    help: ArgumentHelp(
      "One at every so many seconds of replay, and one before the last thing that happens. (default: 10)",
      valueName: "seconds"))
  var interval: Double?

  @Option(
    name: [.customShort("g"), .customLong("goto")],
    help: ArgumentHelp("One where this event is done. Repeatable.", valueName: "event"))
  var events: [UInt64] = []

  @Flag(name: [.customShort("u"), .customLong("cpu-unbound")], help: "Don't bind to one processor.")
  var cpuUnbound = false

  // What `rrs record --checkpoint-interval` starts: see CheckpointFollower.
  @Flag(name: .customLong("follow"), help: .hidden) var follows = false

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The trace, as a path or as a name that 'rrs ls' shows. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    let schedule = try schedule()
    if follows { try CheckpointFollower.detach() }
    var options = ReplayOptions()
    options.traceDirectory = try TraceDirectory().resolveDirectory(trace)
    options.showOutput = false
    // A recorder has that processor for itself.
    options.cpuUnbound = cpuUnbound || follows
    options.force = global.forceThings
    let session = try Replayer().open(options) { EngineSelection.engine(replaying: $0) }
    guard session.canBeSaved else {
      session.killAll()
      throw CommandFailure(
        message: "this trace was not recorded by the software engine: it can have no checkpoints",
        status: EX_UNAVAILABLE)
    }
    let last = session.reader.lastEventNumber
    if case .at(let events) = schedule, let number = events.first(where: { $0 == 0 || $0 > last }) {
      session.killAll()
      throw UsageError("there is no event \(number): the trace's last event is \(last)")
    }
    try create(session, schedule, last: last)
  }

  private func schedule() throws -> CheckpointCreation.Schedule {
    let kinds = [eventInterval != nil, interval != nil, !events.isEmpty]
    guard kinds.count(where: { $0 }) <= 1 else { throw UsageError("-i, --interval and -g exclude each other") }
    if let eventInterval {
      guard eventInterval > 0 else { throw UsageError("-i needs a number of events that is greater than 0") }
      return .events(eventInterval)
    }
    if !events.isEmpty { return .at(Set(events).sorted()) }
    let seconds = interval ?? 10
    guard seconds > 0, seconds < 1e9 else {
      throw UsageError("--interval needs a number of seconds that is greater than 0")
    }
    return .time(nanoseconds: UInt64(seconds * 1e9))
  }

  private func create(_ session: ReplaySession, _ schedule: CheckpointCreation.Schedule, last: UInt64) throws {
    let store = CheckpointStore(session.reader)
    let progress = ProgressBar()
    let isTerminal = isatty(STDERR_FILENO) != 0
    var saved: [SavedPlace] = []
    do {
      let timeline = try Timeline(session: session, index: EventIndex(directory: session.reader.directory))
      defer { timeline.end() }
      timeline.session.isVisible = false
      var creation = CheckpointCreation(timeline, schedule, in: store) { rrs_monotonic_nanoseconds() }
      creation.onProgress = { event in
        if isTerminal { progress.update(event: event, fraction: Double(event) / Double(max(last, 1))) }
      }
      creation.onSave = { saved.append($0) }
      if follows { creation.growth = CheckpointFollower.growth }
      try creation.run()
    } catch let error as NoSuchPoint {
      throw CommandFailure(message: "\(error); \(saved.count) checkpoints were saved", status: EX_UNAVAILABLE)
    } catch {
      progress.clear()
      throw session.explained(error)
    }
    progress.clear()
    var output = StandardOutput()
    for place in saved { output.print(EventText.line(place)) }
    output.print("\(saved.count) checkpoints saved in '\(store.path)'")
  }
}
